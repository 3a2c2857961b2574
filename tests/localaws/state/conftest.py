"""A local AWS of its own for each test, which may be killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from localaws.cli.process import LocalAws
from tests.localaws.running import new_local_aws, start_with_role


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalAws]:
    started = new_local_aws(tmp_path / "home", tmp_path / "bin")
    start_with_role(started)
    yield started
    started.stop()
