"""The command line of deployments, for all tests of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from statemachines.deploy.code import wheel_of_checkout
from tests.localaws.running import Started
from tests.statemachines.deploy.deployer import Deployer, led_to


@pytest.fixture(scope="session")
def wheel_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the wheel of the checkout, the only one in it, for `up --signed`."""
    return wheel_of_checkout().parent


@pytest.fixture
def deployer(start_local_aws: Started, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployer]:
    """Of a local AWS in which nothing is deployed."""
    local = start_local_aws()
    yield led_to(local, monkeypatch)
    local.stop()
