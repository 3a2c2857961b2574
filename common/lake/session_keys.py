"""The table `session_keys`: which records the windows count, so that no record counts in two of them.

Keys are claimed with optimistic concurrency: a claim is committed only as the next version of the table after the one
that it was compared with. So every claim has seen all earlier ones, and of windows that run at the same time the first
to commit has the record.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction
from pyarrow import fs

from common.arrays import Flags, Integers
from common.coded import repeated
from common.contracts.types import Table
from common.lake.commits import commit_next
from common.lake.engine_files import names
from common.lake.extent import Extent
from common.lake.lake import Lake
from common.lake.replacement import Replacement
from common.lake.row_groups import by_number
from common.lake.selection import ChosenFile, ParquetRows, Selection, bound_of
from common.lake.table_files import ARRIVAL, WINDOW, TableFiles, rows_of
from common.lake.troubles import unreadable, unwritable
from common.storage.filesystems import subtree
from common.windows import Windows

TABLE = "session_keys"
KEY = ("key_high", "key_low")
ARRIVALS = ON_TIME, LATE = "on_time", "late"
SCHEMA = pa.schema([pa.field(name, pa.int64()) for name in KEY])
MOST_ROWS = 4_000_000


class KeyFiles(TableFiles):
    """Writes keys to files of the table at a location, at least one for each day that has any.

    In a file, windows follow each other, and in each of them late keys come last.

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
            groups = np.concatenate([numbers for _, numbers in self._pending])
            of_dates: dict[str, list[pa.Table]] = {}
            for group, part in by_number(keys, groups):
                window = self._members[group // 2]
                part = part.append_column(ARRIVAL, repeated(ARRIVALS[group % 2], len(part)))
                part = part.append_column(WINDOW, repeated(window.key, len(part)))
                of_dates.setdefault(f"{window.start:%Y-%m-%d}", []).append(part)
            for date, parts in of_dates.items():
                self.write(pa.concat_tables(parts).unify_dictionaries(), {"date": date})
        self._pending, self._waiting = [], 0


@dataclass(frozen=True)
class Snapshot:
    """The keys of other windows at one version of the table.

    Attributes:
        table: the table at that version.
        others: the other windows, by their keys.
        logged: the files of the table, as its log has them.
    """

    table: DeltaTable
    others: frozenset[str]
    logged: pa.Table
    _folder: fs.FileSystem

    @cached_property
    def files(self) -> frozenset[str]:
        """The paths of the files that may have keys of other windows."""
        return frozenset(file.path for file in self._of_others({}))

    @cached_property
    def windows(self) -> list[str]:
        """The other windows that have keys."""
        least, greatest = (bound_of(self.logged, WINDOW, side) for side in ("min", "max"))
        found = set(least.filter(pc.equal(least, greatest)).unique().to_pylist())
        of_several = [file for file in self._of_others({}) if WINDOW in file.unsure]
        for rows in self._read({}, of_several, pa.schema([pa.field(WINDOW, pa.string())])):
            found |= set(rows[WINDOW].unique().to_pylist())
        return sorted(found & self.others)

    @cached_property
    def late(self) -> pa.Table:
        """The keys of records that end outside the window that counts them."""
        wanted = {ARRIVAL: LATE}
        return pa.concat_tables([SCHEMA.empty_table(), *self._read(wanted, self._of_others(wanted))])

    def among(self, keys: pa.Table) -> pa.Table:
        """Those of the keys that another window has."""
        left, found = keys, [SCHEMA.empty_table()]
        for held in self._read({}, self._of_others({})) if keys.num_rows else ():
            found.append(left.join(held, list(KEY), join_type="left semi"))
            left = without(left, found[-1])
        return pa.concat_tables(found)

    def _of_others(self, equal: Mapping[str, str]) -> list[ChosenFile]:
        """The files that may have keys of other windows with these values."""
        return list(self._selection(equal).files(self.logged))

    def _read(
        self, equal: Mapping[str, str], files: Iterable[ChosenFile], schema: pa.Schema = SCHEMA
    ) -> Iterator[pa.Table]:
        rows = ParquetRows(self._folder, schema, self._selection(equal))
        for file in files:
            yield from rows.by_piece(file)

    def _selection(self, equal: Mapping[str, str]) -> Selection:
        return Selection.of({WINDOW: self.others, **equal})


class SessionKeys:
    """The keys of a run's windows, and of the windows around them with which they may share records."""

    def __init__(self, lake: Lake, windows: Windows, others: Sequence[Windows]) -> None:
        self._lake = lake
        self._windows = windows
        self._others = frozenset(window.key for many in others for window in many)
        lake.ensure(TABLE)
        self._folder = subtree(lake.location(TABLE))

    def snapshot(self) -> Snapshot:
        """The keys of the other windows as they are now.

        Raises:
            TableError: the table is unreadable.
        """
        try:
            table = self._lake.delta(TABLE)
            logged = pa.table(table.get_add_actions(flatten=True))
        except (DeltaError, OSError) as error:
            raise unreadable(TABLE, self._lake.uri, error) from error
        return Snapshot(table, self._others, logged, self._folder)

    def of(self, file: AddAction, arrival: str, windows: Collection[str]) -> pa.Table:
        """The keys of a file of the run with that arrival in some windows."""
        rows = ParquetRows(self._folder, SCHEMA, Selection.of({ARRIVAL: arrival, WINDOW: windows}))
        return rows.of([ChosenFile(file.path, file.partition_values, (ARRIVAL, WINDOW))])

    def without(self, file: AddAction, unwanted: pa.Table) -> list[AddAction]:
        """The files of the keys of a file of the run that are not among the unwanted ones: itself if none of them is.

        Raises:
            CommitError: the table cannot be written.
        """
        if not len(unwanted):
            return [file]
        held = pa.schema([*SCHEMA, pa.field(ARRIVAL, pa.string()), pa.field(WINDOW, pa.string())])
        rows = ParquetRows(self._folder, held, Selection.of({}))
        left = without(rows.of([ChosenFile(file.path, file.partition_values, ())]), unwanted)
        if len(left) == rows_of(file):
            return [file]
        files = TableFiles(self._lake.location(TABLE), self._lake.table(TABLE))
        if len(left):
            files.write(left.sort_by([(WINDOW, "ascending"), (ARRIVAL, "descending")]), file.partition_values)
        return files.actions

    def commit(self, seen: Snapshot, files: Sequence[AddAction]) -> bool:
        """Replaces the keys of the run's windows by the files; false if the table has changed since the snapshot.

        Raises:
            CommitError: the table cannot be written.
        """
        if names(seen.table, files):  # by a try whose answer was lost
            return True
        replacement = Replacement(self._lake.location(TABLE), self._lake.table(TABLE), Extent.of(self._windows))
        try:
            commit_next(seen.table, [*files, *replacement.actions(seen.table)])
        except CommitFailedError as error:
            if self._lake.version(TABLE) != seen.table.version():
                return False
            raise unwritable(TABLE, self._lake.uri, error) from error
        except (DeltaError, OSError) as error:
            raise unwritable(TABLE, self._lake.uri, error) from error
        finally:
            if replacement.made:
                self.discard(replacement.made)
        return True

    def discard(self, files: Sequence[AddAction]) -> None:
        """Removes files that were not committed."""
        self._lake.discard(TABLE, files)


def may_have(file: AddAction, windows: Collection[str]) -> bool:
    """Whether a file of a run may have keys of one of the windows."""
    stats = json.loads(file.stats)
    first, last = (str(stats[side][WINDOW]) for side in ("minValues", "maxValues"))
    return any(first <= window <= last for window in windows)


def without(keys: pa.Table, unwanted: pa.Table) -> pa.Table:
    """The keys that are not among the unwanted ones."""
    return keys.join(unwanted, list(KEY), join_type="left anti") if unwanted.num_rows else keys
