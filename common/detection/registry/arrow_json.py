"""Arrow tables inside JSON."""

from __future__ import annotations

import base64

import pyarrow as pa


def packed(table: pa.Table) -> str:
    """The table as text: an Arrow stream, compressed, in base 64; the same table gives the same text."""
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table.combine_chunks())
    return base64.b64encode(sink.getvalue().to_pybytes()).decode("ascii")


def unpacked(text: str) -> pa.Table:
    """The table that `packed` wrote."""
    with pa.ipc.open_stream(pa.py_buffer(base64.b64decode(text))) as reader:
        return reader.read_all().combine_chunks()
