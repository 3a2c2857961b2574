"""Lakes that the tests of several feature stages read."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from duckdb import DuckDBPyConnection
from pyspark.sql import SparkSession

from common.config.project import ProjectParameters
from common.features.spec import Horizon
from common.windows import Windows
from jobs.fg_b.config import BaselineConfig
from jobs.fg_b.job import run as run_fg_b
from tests import oracle
from tests.conftest import Stages, write_sessions
from tests.factories import EDGE_PROJECT, SPEC, edge_case_sessions, random_fg_a
from tests.jobs.fg_b.synthetic import random_pairs
from tests.lakes import write_table

HISTORY = Windows.parse("2026-02-01T00:08Z/2026-03-10T13:38Z")
"""The windows of all edge cases, those that are history too."""

PAST = Windows.parse("2026-03-08T00:08Z/2026-03-09T12:08Z")
NOW = Windows.parse("2026-03-09T12:08Z/2026-03-09T13:08Z")
REFERENCE = datetime(2026, 3, 9, 12, 8, tzinfo=UTC)
HORIZONS = {"7d": Horizon(days=1.5, gap_days=0), "30d": Horizon(days=1, gap_days=0.25)}
PROJECT = ProjectParameters(horizons=HORIZONS)


@pytest.fixture(scope="session")
def edge_slices(session: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Stages:
    """A lake with the slices of the edge cases; tests add tables to it, but leave the slices as they are."""
    folder = tmp_path_factory.mktemp("edge")
    stages = Stages(session, folder / "lake", EDGE_PROJECT)
    stages.delta(str(HISTORY), write_sessions(edge_case_sessions(), folder / "edge.parquet"))
    return stages


@pytest.fixture(scope="session")
def edge_oracle() -> DuckDBPyConnection:
    """The edge cases in the oracle's database."""
    table = edge_case_sessions()
    # a TRAFFIC record without a duration has one as soon as it is read from a file: end - start
    span = pc.divide(pc.subtract(table["end_ts"], table["start_ts"]).cast(pa.int64()), 1e6)
    column = table.column_names.index("duration_s")
    sessions = table.set_column(column, table.schema.field(column), pc.coalesce(table["duration_s"], span))
    return oracle.prepare(sessions, SPEC, EDGE_PROJECT, HISTORY)


@pytest.fixture(scope="session")
def baselines(session: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Stages:
    """A lake with random features and pair counts of `PAST` and `NOW`, and baselines of `PAST` for both horizons."""
    stages = Stages(session, tmp_path_factory.mktemp("baselines") / "lake", PROJECT)
    hosts = [f"10.1.{number % 3}.{number}" for number in range(8)]
    write_table(stages.folder, "fg_a", pa.concat_tables([random_fg_a(SPEC, PAST, 1), random_fg_a(SPEC, NOW, 2)]))
    write_table(stages.folder, "pair_counts", random_pairs(PAST, hosts) + random_pairs(NOW, hosts, seed=8))
    config = stages.config(str(PAST))
    stages.run(run_fg_b, BaselineConfig(**config, baseline_month="2026-03", reference=REFERENCE))
    return stages
