"""Tables of a lake, written and compared without an engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import write_deltalake

from common.contracts import tables
from common.features.spec import FeatureSpec
from common.lake.lake import Lake
from tests.factories import SPEC
from tests.oracle.compare import assert_tables_equal
from tests.types import Row

WINDOWS_PER_COMMIT = 32


def write_table(
    lake: Path,
    name: str,
    rows: Iterable[Row] | pa.Table,
    spec: FeatureSpec = SPEC,
    mode: Literal["overwrite", "append"] = "overwrite",
) -> None:
    """Writes the rows as the table of that name, replacing what it holds or appending; columns left out are null."""
    table = tables(spec)[name]
    schema = pa.schema([field.with_nullable(True) for field in table.arrow])
    content = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(list(rows), schema=schema)
    for part in _commits(content.select(schema.names)):
        write_deltalake(lake / name, part, mode=mode, partition_by=list(table.partitions))
        mode = "append"


def assert_same_table(actual: str | Path, expected: str | Path, name: str, tolerance: float = 0.0) -> None:
    """Checks that the table has the same rows in both lakes."""
    found, wanted = (Lake(str(place), SPEC).arrow(name) for place in (actual, expected))
    assert_tables_equal(found, wanted, tables(SPEC)[name].key, rel=tolerance, abs=tolerance)


def _commits(content: pa.Table) -> Iterator[pa.Table]:
    """The rows, a few windows at a time: a commit holds a writer per column for each of its windows."""
    if "window" not in content.column_names:
        yield content
        return
    windows = content["window"].unique().sort()
    for start in range(0, max(len(windows), 1), WINDOWS_PER_COMMIT):
        yield content.filter(pc.is_in(content["window"], windows[start : start + WINDOWS_PER_COMMIT]))
