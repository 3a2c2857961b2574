"""A few roles lose a permission each on the local AWS; `make permissions` takes one away from each role."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from localaws.cli.process import LocalAws
from tests.permissions.mutations import outcomes, plan
from tests.permissions.works import undeclared
from tests.permissions.world import build

pytestmark = [pytest.mark.slow, pytest.mark.long]
ROLES = ("ndr-training-orchestrator", "ndr-ndjson-ingestion", "ndr-ndjson-to-parquet")


def test_a_permission_that_is_taken_away_is_named_by_what_fails(
    start_local_aws: Callable[..., LocalAws], tmp_path: Path
) -> None:
    world = build(start_local_aws, tmp_path)
    found = plan(world, ["training", "ingestion"])
    seed = int(os.environ.get("NDR_PERMISSIONS_SEED", "1"))
    chosen = {one: run for one, run in found.chosen(seed, every=False).items() if one.role in ROLES}
    assert {one.role for one in chosen} == set(ROLES)
    assert [str(outcome) for outcome in outcomes(world, chosen) if not outcome.is_noticed] == []
    assert undeclared(world) == []
