"""Joined predictions as Parquet files for publication."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from common.contracts.types import Table


def without_zones(rows: pa.Table) -> pa.Table:
    """The rows with UTC times in columns without a zone, as warehouses expect."""
    fields = [
        field.with_type(pa.timestamp("us")) if pa.types.is_timestamp(field.type) else field for field in rows.schema
    ]
    return rows.cast(pa.schema(fields))


def parquet_bytes(rows: pa.Table) -> bytes:
    """The rows as a Parquet file; equal rows give equal bytes."""
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink, compression="snappy", store_schema=False)
    return bytes(sink.getvalue().to_pybytes())


def in_order(rows: pa.Table, table: Table) -> pa.Table:
    """The declared columns, with rows sorted by window and host."""
    return rows.select(table.column_names).sort_by([("window", "ascending"), ("host_ip", "ascending")])
