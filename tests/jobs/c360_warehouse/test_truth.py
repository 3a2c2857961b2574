from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.jobs.c360_warehouse.expected import warehouse
from tests.jobs.c360_warehouse.histories import history
from tests.jobs.c360_warehouse.loads import contents, in_order, load

pytestmark = pytest.mark.slow

SEEDS = [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 7))]


@pytest.mark.parametrize("seed", SEEDS)
def test_any_order_of_loads_with_repeats_gives_the_tables_of_plain_python(seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    snapshots = history(seed)
    loads = [*snapshots, random.choice(snapshots)]
    random.shuffle(loads)
    load(tmp_path, *loads)
    assert contents(tmp_path) == in_order(warehouse(snapshots))


def test_the_histories_have_all_that_can_happen() -> None:
    tables = [warehouse(history(seed)) for seed in range(1, 7)]
    reasons = {row["reason"] for found in tables for row in found["fact_activity_unresolved"]}
    assert reasons == {
        "unknown_customer",
        "before_registration",
        "customer_closed",
        "no_plan",
        "unknown_plan",
        "plan_not_valid",
    }
    customers = [row for found in tables for row in found["customer_360"]]
    assert {row["is_current"] for row in customers} == {True, False}
    assert max(row["plan_changes"] for row in customers) > 0
    assert any(row["events_90d"] > row["events_30d"] > 0 for row in customers)
