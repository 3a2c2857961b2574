"""Parquet files whose columns are the texts of JSON records: unpacked, they are lines of JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from common.errors import first_line
from common.logs.packing.damage import Damage

if TYPE_CHECKING:
    import msgspec
    from pyarrow import parquet as pq

MAGIC = b"PAR1"
METADATA = {b"ndjson": b"text"}
"""What the file says of its columns."""

SOURCE_FILE, PROCESSING_TIMESTAMP = ADDED = "_source_file", "_processing_timestamp"
"""Columns that no record has."""

BATCH_ROWS = 4096


def lines_of(stream: BinaryIO) -> Iterator[bytes | Damage] | None:
    """The rows as lines of JSON; None if the stream is another Parquet file, or is none.

    Text that is a list or object in JSON is one in the line, all other text is a string, and null is left out.
    """
    import pyarrow as pa
    from pyarrow import parquet as pq

    try:
        file = pq.ParquetFile(stream, page_checksum_verification=True)
        metadata = file.schema_arrow.metadata or {}
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        return None
    return _lines_of(file) if metadata.items() >= METADATA.items() else None


def _lines_of(file: pq.ParquetFile) -> Iterator[bytes | Damage]:
    import msgspec
    import pyarrow as pa

    try:
        for batch in file.iter_batches(BATCH_ROWS):
            names = [name for name in batch.schema.names if name not in ADDED]
            columns = [map(_value, batch.column(name).to_pylist()) for name in names]
            rows = zip(*columns, strict=True) if names else [()] * batch.num_rows
            yield b"".join(
                msgspec.json.encode({name: value for name, value in zip(names, row, strict=True) if value is not None})
                + b"\n"
                for row in rows
            )
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        yield Damage(f"the Parquet data are damaged: {first_line(error)}", None)


def _value(text: str | None) -> str | msgspec.Raw | None:
    import msgspec

    if text and text[0] in "{[":
        try:
            return msgspec.json.decode(text, type=msgspec.Raw)
        except (msgspec.DecodeError, RecursionError):
            pass
    return text
