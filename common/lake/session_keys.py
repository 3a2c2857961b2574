"""The table `session_keys`: which records the windows count, so that no record counts in two of them.

Keys are claimed with optimistic concurrency: a claim is committed only as the next version of the table after the one
that it was compared with. So every claim has seen all earlier ones, and of windows that run at the same time the first
to commit has the record.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction
from pyarrow import fs

from common.arrays import Flags, Integers
from common.contracts.types import Table
from common.lake.commits import properties
from common.lake.lake import Lake
from common.lake.row_groups import by_number
from common.lake.table_files import TableFiles
from common.lake.troubles import unreadable, unwritable
from common.storage.filesystems import subtree
from common.windows import Windows

TABLE = "session_keys"
KEY = ("key_high", "key_low")
ON_TIME, LATE = "on_time", "late"
SCHEMA = pa.schema([pa.field(name, pa.int64()) for name in KEY])
ROWS_PER_READ = 1 << 20
MOST_ROWS = 4_000_000


class KeyFiles(TableFiles):
    """Writes keys to files of the table at a location, at least one for each window and arrival that has any.

    Keys wait in memory until there are `MOST_ROWS`, which bounds both the memory and the number of files.
    """

    def __init__(self, location: str, table: Table, windows: Windows) -> None:
        super().__init__(location, table)
        self._members = list(windows)
        self._pending: list[tuple[pa.Table, Integers]] = []
        self._waiting = 0

    def add(self, keys: pa.Table, slices: Integers, late: Flags) -> None:
        """Adds keys, each with the position of its window, and whether its record is late there."""
        self._pending.append((keys, slices * 2 + late))
        self._waiting += len(keys)
        if self._waiting >= MOST_ROWS:
            self.flush()

    def flush(self) -> None:
        """Writes the keys that wait."""
        if self._waiting:
            keys = pa.concat_tables(part for part, _ in self._pending)
            for group, part in by_number(keys, np.concatenate([groups for _, groups in self._pending])):
                window, arrival = self._members[group // 2], LATE if group % 2 else ON_TIME
                self.write(part, {"date": f"{window.start:%Y-%m-%d}", "window": window.key, "arrival": arrival})
        self._pending, self._waiting = [], 0


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

    @cached_property
    def late(self) -> pa.Table:
        """The keys of records that end outside the window that counts them."""
        return pa.concat_tables([SCHEMA.empty_table(), *self._read(LATE)])

    def among(self, keys: pa.Table) -> pa.Table:
        """Those of the keys that another window has."""
        left, found = keys, [SCHEMA.empty_table()]
        for held in self._read(ON_TIME, LATE) if keys.num_rows else ():
            found.append(left.join(held, list(KEY), join_type="left semi"))
            left = without(left, found[-1])
        return pa.concat_tables(found)

    def _read(self, *arrivals: str) -> Iterator[pa.Table]:
        for path, (_, arrival) in self.files.items():
            if arrival in arrivals:
                yield from read_keys(self._folder, path)


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

    def of(self, file: AddAction) -> pa.Table:
        """The keys of a file of the run."""
        return pa.concat_tables([SCHEMA.empty_table(), *read_keys(self._folder, file.path)])

    def without(self, file: AddAction, unwanted: pa.Table) -> list[AddAction]:
        """The files of the keys of a file of the run that are not among the unwanted ones: itself if none of them is.

        Raises:
            CommitError: the table cannot be written.
        """
        if not len(unwanted):
            return [file]
        held = self.of(file)
        left = without(held, unwanted)
        if len(left) == len(held):
            return [file]
        files = TableFiles(self._lake.location(TABLE), self._lake.table(TABLE))
        if len(left):
            files.write(left, file.partition_values)
        return files.actions

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


def read_keys(folder: fs.FileSystem, path: str) -> Iterator[pa.Table]:
    """The keys of a file of the table, at most `ROWS_PER_READ` at a time."""
    with folder.open_input_file(path) as stream:
        for batch in pq.ParquetFile(stream).iter_batches(ROWS_PER_READ, columns=list(KEY)):
            yield pa.Table.from_batches([batch])


def without(keys: pa.Table, unwanted: pa.Table) -> pa.Table:
    """The keys that are not among the unwanted ones."""
    return keys.join(unwanted, list(KEY), join_type="left anti") if unwanted.num_rows else keys
