"""FG-B and FG-C equal the oracle's, on every statistic and deviation."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyspark.sql import SparkSession

from common.config.project import ProjectParameters
from common.contracts import BASELINE_PARTITION_NAMES
from common.features.spec import Horizon
from common.windows import Windows
from jobs.fg_b.config import BaselineConfig
from jobs.fg_b.job import run as run_fg_b
from jobs.fg_c.config import DeviationConfig
from jobs.fg_c.job import run as run_fg_c
from tests import oracle
from tests.conftest import SPEC, Stages
from tests.factories import random_fg_a
from tests.jobs.fg_b.synthetic import random_pairs, write
from tests.oracle.compare import assert_tables_equal

pytestmark = pytest.mark.parity

PAST = Windows.parse("2026-03-08T00:08Z/2026-03-09T12:08Z")
NOW = Windows.parse("2026-03-09T12:08Z/2026-03-09T13:08Z")
REFERENCE = datetime(2026, 3, 9, 12, 8, tzinfo=UTC)
HORIZONS = {"7d": Horizon(days=1.5, gap_days=0), "30d": Horizon(days=1, gap_days=0.25)}
PROJECT = ProjectParameters(horizons=HORIZONS)
TABLES = ("host", "segment", "ip_metadata", "pair/host", "pair/segment")


@pytest.fixture(scope="module")
def filled(session: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Stages:
    stages = Stages(session, tmp_path_factory.mktemp("baselines") / "lake", PROJECT)
    hosts = [f"10.1.{number % 3}.{number}" for number in range(8)]
    write(stages.folder, "fg_a", pa.concat_tables([random_fg_a(SPEC, PAST, 1), random_fg_a(SPEC, NOW, 2)]))
    write(stages.folder, "pair_counts", random_pairs(PAST, hosts) + random_pairs(NOW, hosts, seed=8))
    config = stages.config(str(PAST))
    stages.run(run_fg_b, BaselineConfig(**config, baseline_month="2026-03", reference=REFERENCE))
    config = stages.config(str(NOW))
    stages.run(run_fg_c, DeviationConfig(**config, baseline_month="2026-03"))
    return stages


def expected_baselines(stages: Stages, horizon: str) -> dict[str, pa.Table]:
    lake = stages.lake
    return oracle.fg_b(
        lake.arrow("fg_a"), lake.arrow("pair_counts"), SPEC, PROJECT, REFERENCE, horizon, HORIZONS[horizon]
    )


@pytest.mark.parametrize("horizon", HORIZONS)
@pytest.mark.parametrize("name", TABLES)
def test_baselines_equal_the_oracle(filled: Stages, name: str, horizon: str) -> None:
    table = filled.lake.table(f"fg_b/{name}")
    found = filled.lake.arrow(table.name, None, None, baseline_horizon=horizon)
    assert found.num_rows
    assert_tables_equal(found, expected_baselines(filled, horizon)[name], table.key)


def test_every_statistic_of_every_metric_is_there(filled: Stages) -> None:
    names = [f"{metric}_{statistic}" for metric in SPEC.metric_names for statistic in SPEC.statistics]
    assert len(names) == len(SPEC.metrics) * len(SPEC.statistics)
    assert set(names) <= set(filled.lake.table("fg_b/host").column_names)


@pytest.mark.parametrize("horizon", HORIZONS)
def test_deviations_equal_the_oracle(filled: Stages, horizon: str) -> None:
    lake = filled.lake
    found = lake.arrow("fg_c", windows=NOW)
    found = found.filter(pc.equal(found["baseline_horizon"], horizon))
    baselines = {name: lake.arrow(f"fg_b/{name}") for name in TABLES}
    expected = oracle.fg_c(
        lake.arrow("fg_a", windows=NOW), lake.arrow("pair_counts", windows=NOW), baselines, SPEC, horizon, "2026-03"
    )
    assert_tables_equal(found, expected, ("host_ip", "window_end_ts", "baseline_horizon"))
    assert set(BASELINE_PARTITION_NAMES) - {"feature_spec_version"} <= set(found.column_names)
