"""One file with the rows of several files of a partition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.transaction import AddAction, RemoveAction
from pyarrow import fs

from common.errors import TableError
from common.lake.commits import properties
from common.lake.file_digests import name_together
from common.lake.lake import Lake
from common.lake.selection import PARTITION, bound_of, with_columns
from common.lake.statistics import FileStatistics
from common.lake.table_files import HOST, WINDOW, by_host, discard, rows_of_group
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


def exchanged(lake: Lake, name: str, made: Sequence[tuple[Group, AddAction]]) -> list[Group]:
    """Puts each new file in the place of the files of its group, in one commit; returns the groups that are done.

    A group whose files others have removed meanwhile is left out, and its new file deleted.

    Raises:
        CommitError: the table cannot be written.
    """

    def held_after(delta: DeltaTable) -> set[str]:
        """The files that the table has afterwards."""
        held = set(pa.table(delta.get_add_actions())["path"].to_pylist())
        fitting = [(group, new) for group, new in made if held.issuperset(file.path for file in group.files)]
        if fitting:
            delta.create_write_transaction(
                [*(new for _, new in fitting), *(old for group, new in fitting for old in _removed(group, new))],
                "append",
                delta.schema(),
                delta.metadata().partition_columns,
                commit_properties=properties(max_commit_retries=0),
            )
        return held.union(new.path for _, new in fitting)  # held: by a try whose answer was lost

    held = lake.commit(name, held_after)
    discard(subtree(lake.location(name)), [new for _, new in made if new.path not in held])
    return [group for group, new in made if new.path in held]


def _removed(group: Group, new: AddAction) -> Iterator[RemoveAction]:
    now = round(datetime.now(UTC).timestamp() * 1000)
    for file in group.files:
        yield RemoveAction(file.path, new.data_change, now, file.bytes, group.partition)


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
                writer.write_table(_in_order(held), rows_of_group(len(schema)))
                size, held = 0, []
        if held:
            writer.write_table(_in_order(held), rows_of_group(len(schema)))


def _in_order(parts: Sequence[pa.Table]) -> pa.Table:
    """The rows, those of hosts by host, so that a reader of some hosts skips row groups."""
    rows = pa.concat_tables(parts)
    return by_host(rows) if HOST in rows.column_names else rows
