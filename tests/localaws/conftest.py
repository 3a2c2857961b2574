"""A database of its own for each test that asks for one."""

from __future__ import annotations

import pytest

from localaws.cli.process import LocalAws
from tests.localaws.services.redshift_data.redshift import Redshift


@pytest.fixture
def redshift(local_aws: LocalAws) -> Redshift:
    return Redshift(local_aws)
