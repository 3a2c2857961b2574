"""Questions in SQL to rows that need not fit in memory."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

MEMORY = "512MB"
"""Whatever needs more goes to files."""


def answer(query: str, folder: Path, **tables: pa.Table | pa.RecordBatchReader) -> pa.Table:
    """What a query, in the SQL of DuckDB, finds in tables with these names; its temporary files are in the folder."""
    import duckdb

    with duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(folder)}) as database:
        for name, rows in tables.items():
            database.register(name, rows)
        return database.sql(query).to_arrow_table()


def reader(schema: pa.Schema, tables: Iterable[pa.Table]) -> pa.RecordBatchReader:
    """The rows of tables of one schema, which are read one after the other, and once."""
    return pa.RecordBatchReader.from_batches(schema, (batch for rows in tables for batch in rows.to_batches()))
