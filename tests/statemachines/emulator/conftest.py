"""A database of its own for each test that asks for one."""

from __future__ import annotations

import pytest

from statemachines.local.process import LocalAws
from tests.statemachines.emulator.redshift import Redshift


@pytest.fixture
def redshift(local_aws: LocalAws) -> Redshift:
    return Redshift(local_aws)
