"""Files of a table written anew with other names, and copies of the former ones removed. Safe to kill and to repeat.

A file takes the place of a former one in a commit: readers see the old names or the new ones, and a run that was
killed goes on with the files that are left. What others write meanwhile is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.transaction import AddAction
from pyarrow import fs

from common.errors import CommitError
from common.lake.commits import properties
from common.lake.engine_files import LOG
from common.lake.exchange import exchanged
from common.lake.lake import Lake
from common.lake.together import File, Group, files_in_order, stored_columns, written_together
from common.storage.filesystems import subtree
from common.storage.scratch import writing

Change = Callable[[pa.Table], pa.Table]
"""Makes rows with the same columns, in the same order, of some columns of a table."""
FILES_PER_COMMIT = 32
PASSES = 5
"""So often others may put new files in the place of those that are being written anew."""
VERSION = re.compile(rf"{LOG}/(?P<version>[0-9]{{20}})[.](json|checkpoint([.][0-9]+)*[.]parquet|crc)")


def rows_of_file(lake: Lake, name: str, file: File, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """The rows of a file, some at a time, with those of the columns that it has."""
    with subtree(lake.location(name)).open_input_file(unquote(file.path)) as stream:
        parquet = pq.ParquetFile(stream)
        held = None if columns is None else [column for column in columns if column in parquet.schema_arrow.names]
        for batch in parquet.iter_batches(columns=held):
            yield pa.Table.from_batches([batch])


def to_change(lake: Lake, name: str, columns: list[str], change: Change) -> Iterator[tuple[File, int]]:
    """The files of the table that the change makes others of, and how many rows of each differ.

    Raises:
        TableError: the table is unreadable.
    """
    for file in files_in_order(lake.files(name)):
        rows = sum(differing(part, change(part)) for part in rows_of_file(lake, name, file, columns))
        if rows:
            yield file, rows


def differing(before: pa.Table, after: pa.Table) -> int:
    """How many rows differ in any column."""
    found = pa.chunked_array([pa.repeat(False, len(before))])
    for column in before.column_names:
        one, other = before[column], after[column]
        same = pc.fill_null(pc.equal(one, other), pa.scalar(False))
        found = pc.or_(found, pc.invert(pc.or_(same, pc.and_(pc.is_null(one), pc.is_null(other)))))
    return int(pc.sum(found).as_py() or 0)


def rewritten(lake: Lake, name: str, columns: list[str], change: Change, done: Callable[[int], None]) -> int:
    """Makes the change of the columns of all rows of the table; returns the number of rows that are others now.

    Raises:
        TableError: the table is unreadable.
        CommitError: it cannot be written, or others keep writing it.
    """
    changed = 0
    for _ in range(PASSES):
        left = list(to_change(lake, name, columns, change))
        if not left:
            return changed
        for start in range(0, len(left), FILES_PER_COMMIT):
            rows = {file.path: count for file, count in left[start : start + FILES_PER_COMMIT]}
            with writing(lake.uri, name):
                made = [
                    (group, _written(lake, name, group, columns, change))
                    for group in (Group(file.partition, (file,)) for file, _ in left[start : start + FILES_PER_COMMIT])
                ]
                finished = exchanged(lake, name, made)
            changed += sum(rows[group.files[0].path] for group in finished)
            done(changed)
    raise CommitError(
        f"others keep writing table {name} in {lake.uri}; {changed:,} rows of it are done",
        "Run again, best when no stage runs",
    )


def _written(lake: Lake, name: str, group: Group, columns: list[str], change: Change) -> AddAction:
    schema = stored_columns(lake, name, lake.table(name).partitions)

    def parts() -> Iterator[pa.Table]:
        for rows in rows_of_file(lake, name, group.files[0]):
            after = change(rows.select([column for column in columns if column in rows.column_names]))
            for column in after.column_names:
                rows = rows.set_column(rows.column_names.index(column), column, after[column])
            yield rows

    return written_together(lake, name, group, schema, parts(), is_change=True)


def without_copies(lake: Lake, name: str) -> int:
    """Removes files that the table no longer has, and the log of former versions, whose bounds quote names.

    Whoever reads a former version at this moment fails, and reads the current one when he tries again. Returns the
    number of files that were removed.

    Raises:
        CommitError: the table cannot be written, or a file cannot be removed.
    """

    def swept(delta: DeltaTable) -> int:
        gone = delta.vacuum(
            retention_hours=0, enforce_retention_duration=False, dry_run=False, commit_properties=properties()
        )
        return len(gone)

    removed = lake.commit(name, swept)
    delta = lake.current(name)
    delta.create_checkpoint()
    files = subtree(lake.location(name))
    for info in files.get_file_info(fs.FileSelector(LOG)):
        found = VERSION.fullmatch(info.path)
        if found and int(found["version"]) < delta.version():
            files.delete_file(info.path)
            removed += 1
    return removed
