"""What ministack itself has to run functions is out of reach, whatever calls it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from localaws.cli.process import REPOSITORY, interpreter
from localaws.credential import Credential

pytestmark = pytest.mark.slow

SCRIPT = """
import inspect
from localaws.processes.programs import ProgramError
from localaws.server.settings import Settings

settings = Settings.from_environment(step_umask=0o077)
settings.prepare_ministack()

from localaws.server.plugin import Plugin
from ministack.core import lambda_runtime
from ministack.services import lambda_svc

Plugin(settings)
starting = [
    name
    for name, function in vars(lambda_svc).items()
    if inspect.isfunction(function)
    and name not in ("_execute_function", "_execute_function_dispatch", "_execute_function_with_config_scope")
    and name.startswith(("_execute_", "_spawn_", "_snapstart_provision", "_get_docker_client", "acquire_worker"))
]
for name in starting:
    function = getattr(lambda_svc, name)
    try:
        function(*(None for _ in inspect.signature(function).parameters))
    except ProgramError as error:
        print(name, "refused")
    except Exception as error:
        print(name, type(error).__name__)
    else:
        print(name, "ran")
"""


def test_no_executor_of_ministack_can_be_called(tmp_path: Path) -> None:
    Credential.make(tmp_path)
    given = {"PYTHONPATH": str(REPOSITORY), "NDR_LOCAL_HOME": str(tmp_path), "NDR_STEP_BIN": str(tmp_path)}
    command = [str(interpreter()), "-c", SCRIPT]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **given}, check=False)
    assert done.returncode == 0, done.stderr
    found = dict(line.split() for line in done.stdout.splitlines())
    refused = {name for name, what in found.items() if what == "refused"}
    assert {"_execute_function_local", "_execute_function_docker", "acquire_worker", "_get_docker_client"} <= refused
    # it can only start with a client of Docker, which is refused
    assert set(found) - refused <= {"_spawn_lambda_container_impl"}, found
