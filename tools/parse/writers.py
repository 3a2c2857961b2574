"""Atomic writers of record batches: NDJSON or Parquet."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from common.display import in_json
from common.errors import InputError
from common.storage.drafts import draft

_ISO_UTC = "%Y-%m-%dT%H:%M:%SZ"


class Writer(Protocol):
    """Writes record batches of one schema."""

    def write_batch(self, batch: pa.RecordBatch) -> None:
        """Appends the rows of the batch."""


class NdjsonWriter:
    """Writes one JSON object per row: times as ISO 8601 UTC with microseconds, nulls as null."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write_batch(self, batch: pa.RecordBatch) -> None:
        """Writes the rows of the batch."""
        if batch.num_rows:
            self._stream.write(("\n".join(json_lines(batch)) + "\n").encode())


def json_lines(batch: pa.RecordBatch) -> list[str]:
    """The rows as JSON objects."""
    pieces: list[pa.Array | str] = []
    for number, (name, column) in enumerate(zip(batch.schema.names, batch.columns, strict=True)):
        pieces += [("," if number else "{") + json.dumps(name) + ":", _json_values(column)]
    lines: list[str] = pc.binary_join_element_wise(*pieces, "}", "").to_pylist()
    return lines


def _json_values(column: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(column.type):
        texts = pc.binary_join_element_wise('"', pc.strftime(column, format=_ISO_UTC), '"', "")
    elif pa.types.is_integer(column.type):
        texts = column.cast(pa.string())
    else:
        encoded = column.dictionary_encode()
        values = [in_json(value) for value in encoded.dictionary.to_pylist()]
        texts = pa.array(values, pa.string()).take(encoded.indices)
    return texts.fill_null("null")


@contextmanager
def standard_output() -> Iterator[Writer]:
    """NDJSON on stdout."""
    yield NdjsonWriter(sys.stdout.buffer)
    sys.stdout.buffer.flush()


@contextmanager
def file_output(path: Path, schema: pa.Schema) -> Iterator[Writer]:
    """A file, Parquet or NDJSON by its suffix, that appears only when complete.

    Raises:
        InputError: the file cannot be written.
    """
    try:
        with draft(path) as partial:
            if path.suffix == ".parquet":
                with pq.ParquetWriter(partial, schema, compression="zstd") as parquet:
                    yield parquet
            else:
                with partial.open("wb") as stream:
                    yield NdjsonWriter(stream)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror or error}", "Check the folder and its permissions"
        ) from None
