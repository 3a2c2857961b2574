"""Deviations of random features equal the oracle's, on every column."""

from __future__ import annotations

import pyarrow.compute as pc
import pytest

from common.contracts import BASELINE_PARTITION_NAMES
from jobs.fg_c.config import DeviationConfig
from jobs.fg_c.job import run
from tests import oracle
from tests.conftest import Stages
from tests.factories import SPEC
from tests.jobs.conftest import HORIZONS, NOW
from tests.lakes import published_rows
from tests.oracle.compare import assert_tables_equal

pytestmark = pytest.mark.parity

BASELINES = ("host", "segment", "ip_metadata", "pair/host", "pair/segment")


@pytest.fixture(scope="module")
def deviations(baselines: Stages) -> Stages:
    """The lake of the baselines with the deviations of `NOW`."""
    baselines.run(run, DeviationConfig(**baselines.config(str(NOW)), baseline_month="2026-03"))
    return baselines


@pytest.mark.parametrize("horizon", HORIZONS)
def test_deviations_equal_the_oracle(deviations: Stages, horizon: str) -> None:
    lake = deviations.lake
    found = lake.arrow("fg_c", windows=NOW)
    found = found.filter(pc.equal(found["baseline_horizon"], horizon))
    expected = oracle.fg_c(
        lake.arrow("fg_a", windows=NOW),
        lake.arrow("pair_counts", windows=NOW),
        {name: published_rows(lake, f"fg_b/{name}") for name in BASELINES},
        SPEC,
        horizon,
        "2026-03",
    )
    assert_tables_equal(found, expected, ("host_ip", "window_end_ts", "baseline_horizon"))
    assert set(SPEC.fg_c_features()) <= set(found.column_names)
    assert set(BASELINE_PARTITION_NAMES) - {"feature_spec_version"} <= set(found.column_names)
