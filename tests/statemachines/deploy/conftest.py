"""The command line of deployments, for all tests of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.localaws.running import Started
from tests.statemachines.deploy.deployer import Deployer, led_to


@pytest.fixture
def deployer(start_local_aws: Started, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployer]:
    """Of a local AWS in which nothing is deployed."""
    local = start_local_aws()
    yield led_to(local, monkeypatch)
    local.stop()
