"""Baselines of random features equal the oracle's, on every statistic."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests import oracle
from tests.conftest import Stages
from tests.factories import SPEC
from tests.jobs.conftest import HORIZONS, PROJECT, REFERENCE
from tests.lakes import published_key, published_rows
from tests.oracle.compare import assert_tables_equal

pytestmark = pytest.mark.parity


@pytest.fixture(scope="module")
def expected(baselines: Stages) -> dict[str, dict[str, pa.Table]]:
    """The oracle's baselines by horizon and table."""
    features, pairs = (baselines.lake.arrow(name) for name in ("fg_a", "pair_counts"))
    return {
        name: oracle.fg_b(features, pairs, SPEC, PROJECT, REFERENCE, name, horizon)
        for name, horizon in HORIZONS.items()
    }


@pytest.mark.parametrize("horizon", HORIZONS)
@pytest.mark.parametrize("name", ["host", "segment", "ip_metadata", "pair/host", "pair/segment"])
def test_baselines_equal_the_oracle(
    baselines: Stages, expected: dict[str, dict[str, pa.Table]], name: str, horizon: str
) -> None:
    found = published_rows(baselines.lake, f"fg_b/{name}")
    found = found.filter(pc.equal(found["baseline_horizon"], horizon))
    assert found.num_rows
    assert_tables_equal(found, expected[horizon][name], published_key(f"fg_b/{name}"))


def test_every_statistic_of_every_metric_is_there(baselines: Stages) -> None:
    names = [f"{metric}_{statistic}" for metric in SPEC.metric_names for statistic in SPEC.statistics]
    assert set(names) <= set(baselines.lake.table("fg_b/host").column_names)
