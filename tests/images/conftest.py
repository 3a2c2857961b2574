"""Images on a real engine, and a small lake to run them on; only where NDR_IMAGES asks for it, as `make smoke` does."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from statemachines.local.process import LocalAws
from tests.images.small_lake import SmallLake, build
from tests.statemachines.conftest import new_local_aws

if not os.environ.get("NDR_IMAGES"):
    collect_ignore_glob = ["test_[!f]*.py"]  # all but test_files.py, which needs no engine


@pytest.fixture(scope="session")
def small_lake(tmp_path_factory: pytest.TempPathFactory) -> SmallLake:
    """A lake with all tables, made once by the installed commands; tests take copies."""
    folder = tmp_path_factory.mktemp("small") / "lake-of-commands"
    build(folder)
    return SmallLake(folder)


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A running local AWS."""
    local = new_local_aws(tmp_path_factory.mktemp("local-aws"))
    local.start()
    yield local
    local.stop()
