"""One file with the rows of several files of a partition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake.transaction import AddAction, RemoveAction

from common.errors import TableError
from common.lake.commits import now_millis
from common.lake.file_digests import name_together
from common.lake.reader import LakeReader
from common.lake.selection import PARTITION, bound_of
from common.lake.streamed_file import StreamedFile
from common.lake.table_files import WINDOW
from common.lake.troubles import unreadable, unwritable
from common.storage.filesystems import subtree

FILE_BYTES = 128 << 20
"""The size up to which files are put together."""


@dataclass(frozen=True)
class File:
    """A file of a table as its log has it; windows are the first and the last one, if the log says."""

    path: str
    bytes: int
    rows: int
    windows: tuple[str, str] | None
    partition: dict[str, str]

    @property
    def folder(self) -> str:
        """The folder of the partition, below the table."""
        return "/".join(f"{key}={value}" for key, value in self.partition.items())

    def removed(self, *, is_change: bool) -> RemoveAction:
        """The removal of the file, as a commit has it; readers of a table's changes see it if it is one."""
        return RemoveAction(self.path, is_change, now_millis(), self.bytes, self.partition)


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
    of_files = logged.select([*keys, "path", "size_bytes", "num_records", "modification_time"]).to_pylist()
    for row, (first, last) in zip(of_files, bounds, strict=True):
        partition = {key.removeprefix(PARTITION): str(row[key]) for key in keys}
        windows = (first, last) if first and last else None
        file = File(row["path"], row["size_bytes"], row["num_records"], windows, partition)
        found.append(((first or "", row["modification_time"], row["path"]), file))
    return [file for _, file in sorted(found, key=lambda entry: entry[0])]


def divided(files: Sequence[File]) -> Iterator[tuple[File, ...]]:
    """The files in their order, divided where they would be larger than a file should be."""
    held: list[File] = []
    size = 0
    for file in files:
        if held and size + file.bytes > FILE_BYTES:
            yield tuple(held)
            held, size = [], 0
        held.append(file)
        size += file.bytes
    yield tuple(held)


def stored_columns(lake: LakeReader, name: str, partitions: Sequence[str]) -> pa.Schema:
    """The columns of the table that its files have, if it is partitioned so."""
    return pa.schema([field for field in lake.stored_schema(name) if field.name not in partitions])


def rows_of(lake: LakeReader, name: str, files: Iterable[File]) -> Iterator[pa.Table]:
    """The rows of each file.

    Raises:
        TableError: a file cannot be read.
    """
    folder = subtree(lake.location(name))
    for file in files:
        try:
            with folder.open_input_file(unquote(file.path)) as stream:
                rows = pq.ParquetFile(stream).read(use_threads=False)  # of small files, threads take most of the time
        except (pa.ArrowException, OSError) as error:
            raise unreadable(name, lake.uri, error) from error
        yield rows


def written_together(
    lake: LakeReader, name: str, group: Group, schema: pa.Schema, parts: Iterable[pa.Table], *, is_change: bool = False
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
        CommitError: the new file cannot be written.
    """
    folder = group.files[0].folder
    path = f"{folder}/{name_together(file.path for file in group.files)}"
    try:
        with StreamedFile(lake.location(name), lake.table(name), path, schema) as made:
            for part in parts:
                made.add(part)
    except (pa.ArrowException, OSError) as error:
        raise unwritable(name, lake.uri, error) from error
    if made.rows != sum(file.rows for file in group.files):
        raise TableError(
            f"the files of table {name} in {lake.uri} at {folder} have {made.rows:,} rows, but not by its log",
            "Run the stage that writes it again for these windows",
        )
    return made.action(group.partition, is_change=is_change)
