"""The features of the edge cases equal the oracle's, on every column."""

from __future__ import annotations

import pytest
from duckdb import DuckDBPyConnection

from common.windows import Windows
from jobs.fg_a import job, parts
from jobs.fg_a.job import run
from tests import oracle
from tests.conftest import Stages
from tests.factories import EDGE_WINDOWS
from tests.oracle.compare import assert_tables_equal

pytestmark = pytest.mark.parity

KEY = ("host_ip", "window_end_ts")


@pytest.fixture(scope="module")
def features(edge_slices: Stages) -> Stages:
    """The lake of the edge cases with the features of the whole range."""
    edge_slices.run_windows(run, str(EDGE_WINDOWS))
    return edge_slices


def test_features_of_a_range_equal_the_oracle(features: Stages, edge_oracle: DuckDBPyConnection) -> None:
    assert_tables_equal(features.lake.arrow("fg_a"), oracle.fg_a(edge_oracle, EDGE_WINDOWS), KEY)


def test_features_in_many_parts_equal_the_oracle(
    features: Stages, edge_oracle: DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ROWS_PER_PART", "ROWS_PER_TASK", "ROWS_AT_A_TIME"):
        monkeypatch.setattr(job, name, 20)
    monkeypatch.setattr(parts, "ROWS_AT_A_TIME", 20)
    before = features.lake.file_paths("fg_a")
    features.run_windows(run, str(EDGE_WINDOWS))
    assert len(features.lake.file_paths("fg_a") - before) > len(EDGE_WINDOWS.by_day())
    assert_tables_equal(features.lake.arrow("fg_a"), oracle.fg_a(edge_oracle, EDGE_WINDOWS), KEY)


@pytest.mark.parametrize("start", ["2026-03-10T13:08Z", "2026-03-10T00:08Z", "2026-03-09T23:53Z"])
def test_features_of_one_window_equal_the_oracle(features: Stages, edge_oracle: DuckDBPyConnection, start: str) -> None:
    window = Windows.parse(start)
    features.run_windows(run, start)
    assert_tables_equal(features.lake.arrow("fg_a", windows=window), oracle.fg_a(edge_oracle, window), KEY)
