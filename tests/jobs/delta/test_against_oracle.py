"""The slices of the edge cases equal the oracle's, on every column."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import pyarrow as pa
import pytest
from duckdb import DuckDBPyConnection

from jobs.delta import slices
from tests import oracle
from tests.conftest import Stages, write_sessions
from tests.factories import edge_case_sessions
from tests.jobs.conftest import HISTORY
from tests.oracle.compare import assert_tables_equal

pytestmark = pytest.mark.parity


@pytest.mark.parametrize("table", ["delta_host", "delta_pair"])
def test_slices_equal_the_oracle(edge_slices: Stages, edge_oracle: DuckDBPyConnection, table: str) -> None:
    expected: pa.Table = getattr(oracle, table)(edge_oracle)
    assert_tables_equal(edge_slices.lake.arrow(table), expected, edge_slices.lake.table(table).key)


def test_hosts_that_are_divided_have_the_same_slices(edge_slices: Stages, tmp_path: Path) -> None:
    stages = Stages(edge_slices.session, tmp_path / "lake", edge_slices.project)
    path = write_sessions(edge_case_sessions(), tmp_path / "edge.parquet")
    with patch.object(slices, "ROWS_PER_PART", 20), patch.object(slices, "ROWS_PER_DIVISION", 20):
        stages.delta(str(HISTORY), path)
    assert len(stages.lake.files("delta_host")) > len(edge_slices.lake.files("delta_host"))
    for name in slices.TABLES:
        table = edge_slices.lake.table(name)
        assert_tables_equal(stages.lake.arrow(name), edge_slices.lake.arrow(name), table.key)
