"""One file with the rows of several files of a partition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake.transaction import AddAction
from pyarrow import fs

from common.errors import TableError
from common.lake.file_digests import name_together
from common.lake.lake import Lake
from common.lake.selection import PARTITION, bound_of, with_columns
from common.lake.statistics import FileStatistics
from common.lake.table_files import HOST, WINDOW, by_host, rows_of_group
from common.storage.filesystems import subtree

FILE_BYTES = 128 << 20
"""The size up to which files are put together."""
BYTES_AT_ONCE = 64 << 20
"""So many bytes of rows are held in memory, and written in order of their hosts."""


@dataclass(frozen=True)
class File:
    """A file of a table as its log has it; windows are the first and the last one, if the log says."""

    path: str
    bytes: int
    rows: int
    windows: tuple[str, str] | None
    partition: dict[str, str]


@dataclass(frozen=True)
class Group:
    """Files, of which one of the partition is to be made."""

    partition: dict[str, str]
    files: tuple[File, ...]

    @property
    def bytes(self) -> int:
        """Their size."""
        return sum(file.bytes for file in self.files)


def files_in_order(logged: pa.Table) -> list[File]:
    """The files, as `LakeReader.files` has them, in order of their windows and then of their age."""
    keys = [name for name in logged.column_names if name.startswith(PARTITION)]
    bounds = zip(*(bound_of(logged, WINDOW, side).to_pylist() for side in ("min", "max")), strict=True)
    found = []
    for row, (first, last) in zip(logged.to_pylist(), bounds, strict=True):
        partition = {key.removeprefix(PARTITION): str(row[key]) for key in keys}
        windows = (first, last) if first and last else None
        file = File(row["path"], row["size_bytes"], row["num_records"], windows, partition)
        found.append(((first or "", row["modification_time"], row["path"]), file))
    return [file for _, file in sorted(found, key=lambda entry: entry[0])]


def divided(files: Sequence[File]) -> Iterator[tuple[File, ...]]:
    """The files in their order, divided where they would be larger than a file should be."""
    held: list[File] = []
    for file in files:
        if held and sum(one.bytes for one in held) + file.bytes > FILE_BYTES:
            yield tuple(held)
            held = []
        held.append(file)
    yield tuple(held)


def stored_columns(lake: Lake, name: str, partitions: Sequence[str]) -> pa.Schema:
    """The columns of the table that its files have, if it is partitioned so."""
    return pa.schema([field for field in lake.stored_schema(name) if field.name not in partitions])


def rows_of(lake: Lake, name: str, files: Iterable[File]) -> Iterator[pa.Table]:
    """The rows of each file."""
    folder = subtree(lake.location(name))
    for file in files:
        yield pq.read_table(unquote(file.path), filesystem=folder, partitioning=None)


def written_together(
    lake: Lake, name: str, group: Group, schema: pa.Schema, parts: Iterable[pa.Table], *, is_change: bool = False
) -> AddAction:
    """The file with the rows of the group, which counts once it is committed.

    Args:
        lake: the lake.
        name: the table.
        group: the files; the name of the new one has their digest.
        schema: the columns of the new file; those that older files lack are null.
        parts: the rows of the files, in their order.
        is_change: whether readers of the table's changes are to take it for new rows.

    Raises:
        TableError: the files have other rows than the log says.
    """
    files, table = subtree(lake.location(name)), lake.table(name)
    folder = "/".join(f"{key}={value}" for key, value in group.partition.items())
    path = f"{folder}/{name_together(file.path for file in group.files)}"
    if not lake.is_remote:
        files.create_dir(folder)
    statistics = FileStatistics(table, schema.names)
    _write(files, path, schema, statistics, parts)
    rows = statistics.rows
    if rows != sum(file.rows for file in group.files):
        raise TableError(
            f"the files of table {name} in {lake.uri} at {folder} have {rows:,} rows, but not by its log",
            "Run the stage that writes it again for these windows",
        )
    now = round(datetime.now(UTC).timestamp() * 1000)
    return AddAction(path, files.get_file_info(path).size, group.partition, now, is_change, statistics.to_json())


def _write(
    files: fs.FileSystem, path: str, schema: pa.Schema, statistics: FileStatistics, parts: Iterable[pa.Table]
) -> None:
    with pq.ParquetWriter(
        path, schema, filesystem=files, compression="zstd", write_statistics=statistics.names, store_schema=False
    ) as writer:
        size, held = 0, list[pa.Table]()
        for part in parts:
            held.append(with_columns(part, schema))
            statistics.add(held[-1])
            size += held[-1].nbytes
            if size >= BYTES_AT_ONCE:
                _write_in_order(writer, held)
                size, held = 0, []
        if held:
            _write_in_order(writer, held)


def _write_in_order(writer: pq.ParquetWriter, parts: Sequence[pa.Table]) -> None:
    """Writes the rows, those of hosts by host, so that a reader of some hosts skips row groups."""
    rows = pa.concat_tables(parts)
    rows = by_host(rows) if HOST in rows.column_names else rows
    writer.write_table(rows, rows_of_group(rows))
