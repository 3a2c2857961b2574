"""Small files of a partition put together to one, without a change of their rows or of what stages know of them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.transaction import AddAction, RemoveAction
from pyarrow import fs

from common.contracts.types import NUMBERS, Table
from common.errors import TableError
from common.lake.commits import properties
from common.lake.file_digests import name_together
from common.lake.lake import Lake
from common.lake.parquet_rows import with_columns
from common.storage.filesystems import subtree
from common.storage.scratch import writing

FILE_BYTES = 128 << 20
"""The size up to which files are put together."""
ROW_GROUP_BYTES = 64 << 20
GROUPS_PER_COMMIT = 96
WINDOW = "window"


@dataclass(frozen=True)
class File:
    """A file of a table as its log has it; windows are the first and the last one, if the log says."""

    path: str
    bytes: int
    rows: int
    windows: tuple[str, str] | None


@dataclass(frozen=True)
class Group:
    """Files of a partition, of which one is to be made."""

    partition: dict[str, str]
    files: tuple[File, ...]

    @property
    def bytes(self) -> int:
        """Their size."""
        return sum(file.bytes for file in self.files)


def groups(lake: Lake, name: str, is_closed: Callable[[dict[str, str]], bool]) -> list[Group]:
    """The files that are worth to be put together, of the partitions that no live window writes any more."""
    found: dict[tuple[tuple[str, str], ...], list[tuple[Any, File]]] = defaultdict(list)
    for row in lake.files(name).to_pylist():
        values = {key.removeprefix("partition."): str(row[key]) for key in row if key.startswith("partition.")}
        if is_closed(values):
            first, last = (row.get(f"{bound}.{WINDOW}") for bound in ("min", "max"))
            file = File(row["path"], row["size_bytes"], row["num_records"], (first, last) if first and last else None)
            found[tuple(values.items())].append(((first or "", row["modification_time"], row["path"]), file))
    return [
        Group(dict(values), tuple(part))
        for values, files in sorted(found.items())
        for part in _parts([file for _, file in sorted(files, key=lambda entry: entry[0])])
        if len(part) > 1
    ]


def _parts(files: Sequence[File]) -> Iterator[list[File]]:
    """The files in their order, divided where they would be larger than a file should be."""
    held: list[File] = []
    for file in files:
        if held and sum(one.bytes for one in held) + file.bytes > FILE_BYTES:
            yield held
            held = []
        held.append(file)
    yield held


def put_together(lake: Lake, name: str, wanted: Sequence[Group], done: Callable[[int], None]) -> list[Group]:
    """Makes one file of each group, some groups in each commit; returns the groups of which it was done.

    A group is left to a later run if others rewrite its files meanwhile. `done` is told how many are done with.

    Raises:
        TableError: a file cannot be read, or has other rows than the log says.
        CommitError: the table cannot be written.
    """
    finished: list[Group] = []
    partitions = lake.table(name).partitions
    schema = pa.schema([field for field in lake.stored_schema(name) if field.name not in partitions])
    for start in range(0, len(wanted), GROUPS_PER_COMMIT):
        part = wanted[start : start + GROUPS_PER_COMMIT]
        with writing(lake.uri, name):
            finished += _commit(lake, name, [(group, _written(lake, name, group, schema)) for group in part])
        done(start + len(part))
    return finished


def _commit(lake: Lake, name: str, made: Sequence[tuple[Group, AddAction]]) -> list[Group]:
    def exchanged(delta: DeltaTable) -> set[str]:
        """The new files that the table has afterwards."""
        held = set(pa.table(delta.get_add_actions())["path"].to_pylist())
        fitting = [(group, new) for group, new in made if held.issuperset(file.path for file in group.files)]
        if fitting:
            delta.create_write_transaction(
                [*(new for _, new in fitting), *(old for group, _ in fitting for old in _removed(group))],
                "append",
                delta.schema(),
                delta.metadata().partition_columns,
                commit_properties=properties(max_commit_retries=0),
            )
        return held.union(new.path for _, new in fitting)  # held: by a try whose answer was lost

    held = lake.commit(name, exchanged)
    files = subtree(lake.location(name))
    for _, new in made:
        if new.path not in held:
            with suppress(OSError):
                files.delete_file(new.path)
    return [group for group, new in made if new.path in held]


def _removed(group: Group) -> Iterator[RemoveAction]:
    now = round(datetime.now(UTC).timestamp() * 1000)
    for file in group.files:
        yield RemoveAction(file.path, False, now, file.bytes, group.partition)


def _written(lake: Lake, name: str, group: Group, schema: pa.Schema) -> AddAction:
    """The file with the rows of the group, which counts once it is committed."""
    files, table = subtree(lake.location(name)), lake.table(name)
    folder = "/".join(f"{key}={value}" for key, value in group.partition.items())
    path = f"{folder}/{name_together(file.path for file in group.files)}"
    if not lake.is_remote:
        files.create_dir(folder)
    rows = _write(files, path, schema, table, group)
    if rows != sum(file.rows for file in group.files):
        raise TableError(
            f"the files of table {name} in {lake.uri} at {folder} have {rows:,} rows, but not by its log",
            "Run the stage that writes it again for these windows",
        )
    now = round(datetime.now(UTC).timestamp() * 1000)
    return AddAction(path, files.get_file_info(path).size, group.partition, now, False, _statistics(group, rows))


def _write(files: fs.FileSystem, path: str, schema: pa.Schema, table: Table, group: Group) -> int:
    sought = [column.name for column in table.columns if column.type not in NUMBERS and column.name in schema.names]
    with pq.ParquetWriter(
        path, schema, filesystem=files, compression="zstd", write_statistics=sought, store_schema=False
    ) as writer:
        rows, size, held = 0, 0, list[pa.Table]()
        for file in group.files:
            held.append(with_columns(pq.read_table(unquote(file.path), filesystem=files, partitioning=None), schema))
            rows, size = rows + len(held[-1]), size + held[-1].nbytes
            if size >= ROW_GROUP_BYTES:
                writer.write_table(pa.concat_tables(held))
                size, held = 0, []
        if held:
            writer.write_table(pa.concat_tables(held))
    return rows


def _statistics(group: Group, rows: int) -> str:
    """What the log says of the file: its rows, and its windows if they are no partitions."""
    found: dict[str, Any] = {"numRecords": rows}
    windows = [file.windows for file in group.files]
    if (known := [bounds for bounds in windows if bounds]) and len(known) == len(windows):
        found["minValues"] = {WINDOW: min(first for first, _ in known)}
        found["maxValues"] = {WINDOW: max(last for _, last in known)}
        found["nullCount"] = {WINDOW: 0}
    return json.dumps(found)
