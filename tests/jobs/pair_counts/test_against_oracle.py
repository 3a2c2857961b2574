"""The pair counts of the edge cases equal the oracle's, on every column."""

from __future__ import annotations

import pytest
from duckdb import DuckDBPyConnection

from jobs.pair_counts.job import run
from tests import oracle
from tests.conftest import Stages
from tests.jobs.conftest import HISTORY
from tests.oracle.compare import assert_tables_equal

pytestmark = pytest.mark.parity


def test_pair_counts_equal_the_oracle(edge_slices: Stages, edge_oracle: DuckDBPyConnection) -> None:
    edge_slices.run_windows(run, str(HISTORY))
    found = edge_slices.lake.arrow("pair_counts")
    assert_tables_equal(found, oracle.pair_counts(edge_oracle), edge_slices.lake.table("pair_counts").key)
