"""Slices, pair counts and FG-A equal the oracle's, on every column."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from duckdb import DuckDBPyConnection
from pyspark.sql import SparkSession

from common.windows import Windows
from jobs.fg_a.job import run as run_fg_a
from jobs.pair_counts.job import run as run_pair_counts
from tests import oracle
from tests.conftest import SPEC, Stages, write_sessions
from tests.factories import EDGE_PROJECT, EDGE_WINDOWS, edge_case_sessions
from tests.oracle.compare import assert_tables_equal

pytestmark = pytest.mark.parity

HISTORY = Windows.parse("2026-02-01T00:08Z/2026-03-10T13:38Z")


@pytest.fixture(scope="module")
def edge_stages(session: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Stages:
    folder: Path = tmp_path_factory.mktemp("edge")
    stages = Stages(session, folder / "lake", EDGE_PROJECT)
    stages.delta(str(HISTORY), write_sessions(edge_case_sessions(), folder / "edge.parquet"))
    stages.run_windows(run_pair_counts, str(HISTORY))
    stages.run_windows(run_fg_a, str(EDGE_WINDOWS))
    return stages


def edge_sessions() -> pa.Table:
    """The edge cases; a TRAFFIC record without a duration has one as soon as it is read from a file: end - start."""
    table = edge_case_sessions()
    span = pc.divide(pc.subtract(table["end_ts"], table["start_ts"]).cast(pa.int64()), 1e6)
    column = table.column_names.index("duration_s")
    return table.set_column(column, table.schema.field(column), pc.coalesce(table["duration_s"], span))


@pytest.fixture(scope="module")
def edge_oracle() -> DuckDBPyConnection:
    return oracle.prepare(edge_sessions(), SPEC, EDGE_PROJECT, HISTORY)


@pytest.mark.parametrize("table", ["delta_host", "delta_pair", "pair_counts"])
def test_slices_equal_the_oracle(edge_stages: Stages, edge_oracle: DuckDBPyConnection, table: str) -> None:
    found = edge_stages.lake.arrow(table)
    expected: pa.Table = getattr(oracle, table)(edge_oracle)
    assert_tables_equal(found, expected, edge_stages.lake.table(table).key)


def test_features_of_a_range_equal_the_oracle(edge_stages: Stages, edge_oracle: DuckDBPyConnection) -> None:
    found = edge_stages.lake.arrow("fg_a")
    expected = oracle.fg_a(edge_oracle, EDGE_WINDOWS)
    assert_tables_equal(found, expected, ("host_ip", "window_end_ts"))


@pytest.mark.parametrize("start", ["2026-03-10T13:08Z", "2026-03-10T00:08Z", "2026-03-09T23:53Z"])
def test_features_of_one_window_equal_the_oracle(
    edge_stages: Stages, edge_oracle: DuckDBPyConnection, start: str
) -> None:
    window = Windows.parse(start)
    single = Stages(edge_stages.session, edge_stages.folder, EDGE_PROJECT)
    single.run_windows(run_fg_a, start)
    found = single.lake.arrow("fg_a", windows=window)
    assert_tables_equal(found, oracle.fg_a(edge_oracle, window), ("host_ip", "window_end_ts"))
