"""The command line of deployments, for all tests of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from statemachines.deploy.code import build_wheel
from tests.localaws.running import Started
from tests.statemachines.deploy.deployer import Deployer, led_to


@pytest.fixture(scope="session")
def wheel_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the checkout, as the only one in its folder: built once, for `up --signed`."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copy(build_wheel(tmp_path_factory.mktemp("build")), folder)
    return folder


@pytest.fixture
def deployer(start_local_aws: Started, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployer]:
    """Of a local AWS in which nothing is deployed."""
    local = start_local_aws()
    yield led_to(local, monkeypatch)
    local.stop()
