"""Images on a real engine, and a small lake to run them on; only where NDR_IMAGES asks for it, as `make smoke` does."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.images.small_lake import SmallLake, build

if not os.environ.get("NDR_IMAGES"):
    collect_ignore_glob = ["test_[!f]*.py"]  # all but test_files.py, which needs no engine

PUSH = "tests/images/test_push.py"


class ByRegistry(LoadScopeScheduling):  # type: ignore[misc]
    """Gives a worker one test after the other, and all that push to one of them: with one registry, once."""

    def _split_scope(self, nodeid: str) -> str:
        return PUSH if PUSH in nodeid else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """The scheduler, unless another one is asked for."""
    return ByRegistry(config, log) if config.option.dist == "loadscope" else None


@pytest.fixture(scope="session")
def small_lake(shared: Path) -> SmallLake:
    """A lake with all tables, made by the installed commands, once for all workers of the tests; tests take copies."""
    made = shared / "lake-of-commands"
    with (shared / "lake-of-commands.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            build(shared / "lake-in-the-making")
            (shared / "lake-in-the-making").rename(made)
    return SmallLake(made)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of the tests have in common."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
