"""From sessions to deviations through every stage of features: each table equals the oracle's, on every column."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyspark.sql import SparkSession

from common.config.project import ProjectParameters
from common.features.spec import Horizon
from common.windows import Windows
from jobs.fg_a.job import run as run_fg_a
from jobs.fg_b.config import BaselineConfig
from jobs.fg_b.job import run as run_fg_b
from jobs.fg_c.config import DeviationConfig
from jobs.fg_c.job import run as run_fg_c
from jobs.pair_counts.job import run as run_pair_counts
from tests import oracle
from tests.conftest import Stages, write_sessions
from tests.factories import SPEC, random_sessions, utc
from tests.lakes import published_key, published_rows
from tests.oracle.compare import assert_tables_equal

pytestmark = pytest.mark.slow

PAST = Windows.parse("2026-03-09T00:08Z/2026-03-09T05:23Z")
NOW = Windows.parse("2026-03-09T05:23Z")
ALL = Windows(PAST.start, NOW.end)
REFERENCE = datetime(2026, 3, 9, 5, 23, tzinfo=UTC)
HORIZON = Horizon(days=5.25 / 24, gap_days=0)
PROJECT = ProjectParameters(horizons={"7d": HORIZON})


def some_sessions() -> pa.Table:
    """Random sessions that have a duration, as those of files do, and end in the windows."""
    rows = random_sessions(900, seed=5, first="2026-03-09T00:10:00", hours=5.5)
    ends_inside = pc.and_(pc.greater(rows["end_ts"], utc("2026-03-09T00:09:00")), pc.less(rows["end_ts"], NOW.end))
    return rows.filter(ends_inside)


@pytest.fixture(scope="module")
def stages(session: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Stages:
    folder: Path = tmp_path_factory.mktemp("features")
    stages = Stages(session, folder / "lake", PROJECT)
    stages.delta(str(ALL), write_sessions(some_sessions(), folder / "sessions.parquet"))
    stages.run_windows(run_pair_counts, str(ALL))
    stages.run_windows(run_fg_a, str(ALL))
    config = stages.config(str(PAST))
    stages.run(run_fg_b, BaselineConfig(**config, baseline_month="2026-03", reference=REFERENCE))
    stages.run(run_fg_c, DeviationConfig(**stages.config(str(NOW)), baseline_month="2026-03"))
    return stages


@pytest.fixture(scope="module")
def expected() -> dict[str, pa.Table]:
    con = oracle.prepare(some_sessions(), SPEC, PROJECT, ALL)
    return {"delta_host": oracle.delta_host(con), "fg_a": oracle.fg_a(con, ALL)}


@pytest.mark.parametrize("table", ["delta_host", "fg_a"])
def test_sums_and_features_equal_the_oracle(stages: Stages, expected: dict[str, pa.Table], table: str) -> None:
    assert_tables_equal(stages.lake.arrow(table), expected[table], stages.lake.table(table).key)


def test_baselines_and_deviations_equal_the_oracle(stages: Stages, expected: dict[str, pa.Table]) -> None:
    lake = stages.lake
    pairs = lake.arrow("pair_counts")
    baselines = oracle.fg_b(expected["fg_a"], pairs, SPEC, PROJECT, REFERENCE, "7d", HORIZON)
    assert_tables_equal(published_rows(lake, "fg_b/host"), baselines["host"], published_key("fg_b/host"))
    now = expected["fg_a"].filter(pc.equal(expected["fg_a"]["window_start_ts"], NOW.start))
    current = pairs.filter(pc.equal(pairs["window_start_ts"], NOW.start))
    deviations = oracle.fg_c(now, current, baselines, SPEC, "7d", "2026-03")
    known = [name for name in SPEC.fg_c_features() if deviations[name].null_count < deviations.num_rows]
    assert len(known) > len(SPEC.fg_c_features()) / 2  # the baselines are not all cold
    assert_tables_equal(lake.arrow("fg_c"), deviations, lake.table("fg_c").key)
