"""The table `session_keys`: which records the windows count, so that no record counts in two of them.

Keys are claimed with optimistic concurrency: a claim is committed only as the next version of the table after the one
that it was compared with. So every claim has seen all earlier ones, and of windows that run at the same time the first
to commit has the record.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction
from pyarrow import fs

from common.contracts.types import Table
from common.lake.commits import properties
from common.lake.lake import Lake
from common.lake.row_groups import by_number
from common.lake.table_files import Batches, TableFiles, written_by_workers
from common.lake.troubles import unreadable, unwritable
from common.storage.filesystems import subtree
from common.windows import Windows

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

TABLE = "session_keys"
KEY = ("key_high", "key_low")
ON_TIME, LATE = "on_time", "late"
SCHEMA = pa.schema([pa.field(name, pa.int64()) for name in KEY])
ROWS_PER_READ = 1 << 20
MOST_ROWS = 4_000_000


@dataclass(frozen=True)
class Snapshot:
    """The keys of other windows at one version of the table.

    Attributes:
        table: the table at that version.
        files: of the other windows, by path: the window and the arrival of its keys.
    """

    table: DeltaTable
    files: dict[str, tuple[str, str]]
    _folder: fs.FileSystem

    @cached_property
    def windows(self) -> list[str]:
        """The partition keys of the other windows that have keys."""
        return sorted({window for window, _ in self.files.values()})

    def late(self) -> pa.Table:
        """The keys of records that end outside the window that counts them."""
        parts = [pa.Table.from_batches([part]) for part in self._read(LATE)]
        return pa.concat_tables([SCHEMA.empty_table(), *parts])

    def among(self, keys: pa.Table) -> pa.Table:
        """Those of the keys that another window has."""
        left, found = keys, [SCHEMA.empty_table()]
        for part in self._read(ON_TIME, LATE) if keys.num_rows else ():
            held = pa.Table.from_batches([part])
            found.append(left.join(held, list(KEY), join_type="left semi"))
            if found[-1].num_rows:
                left = without(left, found[-1])
        return pa.concat_tables(found)

    def _read(self, *arrivals: str) -> Iterator[pa.RecordBatch]:
        for path, (_, arrival) in self.files.items():
            if arrival in arrivals:
                with self._folder.open_input_file(path) as stream:
                    yield from pq.ParquetFile(stream).iter_batches(ROWS_PER_READ, columns=list(KEY))


class SessionKeys:
    """The keys of a run's windows, and of the windows around them with which they may share records."""

    def __init__(self, lake: Lake, windows: Windows, others: Sequence[Windows]) -> None:
        self._lake = lake
        self._windows = windows
        self._others = [window.key for many in others for window in many]
        lake.ensure(TABLE)
        self._folder = subtree(lake.location(TABLE))

    def snapshot(self) -> Snapshot:
        """The keys of the other windows as they are now.

        Raises:
            TableError: the table is unreadable.
        """
        try:
            table = self._lake.delta(TABLE)
            actions = pa.table(table.get_add_actions(flatten=True))
            wanted = actions.filter(pc.is_in(actions["partition.window"], pa.array(self._others, pa.string())))
        except (DeltaError, OSError) as error:
            raise unreadable(TABLE, self._lake.uri, error) from error
        columns = ("path", "partition.window", "partition.arrival")
        rows = zip(*(wanted[name].to_pylist() for name in columns), strict=True)
        return Snapshot(table, {path: (window, arrival) for path, window, arrival in rows}, self._folder)

    def written(self, keys: DataFrame) -> list[AddAction]:
        """The files of the run's keys, written by the engine's workers; they count once they are committed.

        Args:
            keys: the two halves of each key, the `slice` of its window among the run's, and whether it is `late`.
        """
        return written_by_workers(keys, _writer(self._lake.location(TABLE), self._lake.table(TABLE), self._windows))

    def commit(self, seen: Snapshot, files: Sequence[AddAction]) -> bool:
        """Replaces the keys of the run's windows by the files; false if the table has changed since the snapshot.

        Raises:
            CommitError: the table cannot be written.
        """
        table = self._lake.table(TABLE)
        try:
            seen.table.create_write_transaction(
                list(files),
                "overwrite",
                table.delta,
                list(table.partitions),
                partition_filters=[("window", ">=", self._windows.key), ("window", "<=", self._windows.last_key)],
                commit_properties=properties(max_commit_retries=0),
            )
        except CommitFailedError as error:
            if self._lake.version(TABLE) != seen.table.version():
                return False
            raise unwritable(TABLE, self._lake.uri, error) from error
        except (DeltaError, OSError) as error:
            raise unwritable(TABLE, self._lake.uri, error) from error
        return True

    def discard(self, files: Sequence[AddAction]) -> None:
        """Removes files that were not committed."""
        self._lake.discard(TABLE, files)


def _writer(location: str, table: Table, windows: Windows) -> Callable[[Batches], Iterator[list[AddAction]]]:
    """A function that writes keys to files of the table, one for each window and arrival, and returns the files."""

    def write(batches: Batches) -> Iterator[list[AddAction]]:
        files, members = TableFiles(location, table), list(windows)
        pending: dict[int, list[pa.RecordBatch]] = defaultdict(list)

        def flush() -> None:
            for group, parts in sorted(pending.items()):
                window, arrival = members[group // 2], LATE if group % 2 else ON_TIME
                partition = {"date": f"{window.start:%Y-%m-%d}", "window": window.key, "arrival": arrival}
                files.write(pa.Table.from_batches(parts), partition)
            pending.clear()

        rows = 0
        for batch in batches:
            for group, part in _groups(batch):
                pending[group].append(part)
            rows += batch.num_rows
            if rows >= MOST_ROWS:
                flush()
                rows = 0
        flush()
        if files.actions:
            yield files.actions

    return write


def _groups(batch: pa.RecordBatch) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The keys of each window and arrival, with twice the slice, plus 1 for late ones."""
    group = batch.column("slice").to_numpy() * 2 + batch.column("late").to_numpy(zero_copy_only=False)
    keys = pa.RecordBatch.from_arrays([batch.column(name) for name in KEY], schema=SCHEMA)
    return by_number(keys, group)


def without(keys: pa.Table, unwanted: pa.Table) -> pa.Table:
    """The keys that are not among the unwanted ones."""
    return keys.join(unwanted, list(KEY), join_type="left anti") if unwanted.num_rows else keys
