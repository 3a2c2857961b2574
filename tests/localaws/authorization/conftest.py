"""A local AWS that checks what steps, jobs, tasks, functions, rules and schedules do against the role of each."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from localaws.cli.process import LocalAws
from tests.localaws.running import Started, write_step
from tests.localaws.services.functions.functions import write_function

PROBE = Path(__file__).with_name("probe.py")


@pytest.fixture(scope="session")
def guarded(start_local_aws: Started, tmp_path_factory: pytest.TempPathFactory) -> LocalAws:
    programs = tmp_path_factory.mktemp("guarded-step-bin")
    write_step(programs, "ndr-probe", f'exec {sys.executable} {PROBE} "$@"')
    write_step(programs, "ndr-say", "echo $AWS_ACCESS_KEY_ID $AWS_SECRET_ACCESS_KEY $AWS_SESSION_TOKEN")
    write_function(programs)
    return start_local_aws(step_bin=programs, AUTH="true", NDR_LOCAL_ASKED=str(programs / "asked"))
