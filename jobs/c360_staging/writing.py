"""Files of a table: the engine's workers write them, named by what they hold."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from common.c360.datasets import STAGING
from common.c360.manifest import ParquetFile
from common.c360.zones import run_folder
from common.contracts.types import arrow_schema
from common.storage.filesystems import subtree
from common.storage.scratch import scratch_folder

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

ROWS_PER_GROUP = 1 << 17
MOST_BYTES = 120 * 1024 * 1024
"""A file ends after the row group with which it has more."""
NAME_DIGITS = 16
_RESULT = "name string, rows long, bytes long, sha256 string"


def write_table(frame: DataFrame, staging_uri: str, table: str, run_id: str) -> list[ParquetFile]:
    """The files with the columns of the table of the rows of a frame, sorted by name; none without rows.

    A file that is there has the same bytes: its name has the first digits of their SHA-256.
    """
    schema = arrow_schema(STAGING[table])
    write = partial(_written, staging_uri, run_folder(table, run_id), schema)
    found = frame.select(*schema.names).mapInArrow(write, _RESULT).collect()
    return sorted((ParquetFile(**row.asDict()) for row in found), key=lambda file: file.name)


def _written(uri: str, folder: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Writes batches as files below the URI; yields a batch with one row for each."""
    groups = _groups(batches, schema)
    while (first := next(groups, None)) is not None:
        with scratch_folder(uri) as scratch:
            file = _placed(_file(scratch / "part", first, groups), uri, folder)
        yield pa.RecordBatch.from_pylist([vars(file)])


def _groups(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """The rows of the batches in groups."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        if sum(each.num_rows for each in waiting) >= ROWS_PER_GROUP:
            yield pa.Table.from_batches(waiting).cast(schema)
            waiting = []
    if any(batch.num_rows for batch in waiting):
        yield pa.Table.from_batches(waiting).cast(schema)


def _file(path: Path, first: pa.Table, groups: Iterator[pa.Table]) -> tuple[Path, int]:
    """Writes the groups until the file is big enough; returns its path and rows."""
    rows = 0
    with path.open("wb") as sink, pq.ParquetWriter(sink, first.schema, compression="zstd") as writer:
        group: pa.Table | None = first
        while group is not None:
            writer.write_table(group)
            rows += len(group)
            group = next(groups, None) if sink.tell() < MOST_BYTES else None
    return path, rows


def _placed(written: tuple[Path, int], uri: str, folder: str) -> ParquetFile:
    """The file in its place."""
    path, rows = written
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    name = f"{folder}/part-{digest[:NAME_DIGITS]}.parquet"
    size = path.stat().st_size
    if uri.startswith("s3://"):
        fs.copy_files(
            str(path), name, source_filesystem=fs.LocalFileSystem(), destination_filesystem=subtree(uri),
            use_threads=False,
        )  # fmt: skip
    else:
        target = Path(uri) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)
    return ParquetFile(name, rows, size, digest)
