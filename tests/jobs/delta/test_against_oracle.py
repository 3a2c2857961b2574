"""The slices of the edge cases equal the oracle's, on every column."""

from __future__ import annotations

import pyarrow as pa
import pytest
from duckdb import DuckDBPyConnection

from tests import oracle
from tests.conftest import Stages
from tests.oracle.compare import assert_tables_equal

pytestmark = pytest.mark.parity


@pytest.mark.parametrize("table", ["delta_host", "delta_pair"])
def test_slices_equal_the_oracle(edge_slices: Stages, edge_oracle: DuckDBPyConnection, table: str) -> None:
    expected: pa.Table = getattr(oracle, table)(edge_oracle)
    assert_tables_equal(edge_slices.lake.arrow(table), expected, edge_slices.lake.table(table).key)
