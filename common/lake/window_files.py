"""Files of a table of windows, written from Arrow: each has the rows of one day's windows, or of some of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import numpy as np
import pyarrow as pa

from common.arrays import Integers
from common.coded import positions
from common.contracts.types import Table
from common.lake.lake import Lake
from common.lake.row_groups import by_number
from common.lake.table_files import WINDOW, TableFiles
from common.windows import Windows

MOST_ROWS = 1 << 20


class WindowFiles(TableFiles):
    """Writes rows to files of a table, at least one for each day that has rows; in a file, windows follow each other.

    Rows wait in memory until there are `most_rows`, which bounds both the memory and the number of files.
    """

    def __init__(
        self,
        location: str,
        table: Table,
        windows: Windows,
        plain: Collection[str] = (),
        most_rows: int = MOST_ROWS,
    ) -> None:
        super().__init__(location, table, plain)
        self._most_rows = most_rows
        self._keys = keys_of(windows)
        self._days = [f"{day:%Y-%m-%d}" for day in windows.days()]
        self._day_of = np.array([self._days.index(f"{window.start:%Y-%m-%d}") for window in windows])
        self._pending: list[tuple[pa.Table, Integers]] = []
        self._waiting = 0

    def add(self, rows: pa.Table, slices: pa.ChunkedArray | None = None) -> None:
        """Adds rows, with the position of the window of each; without positions, rows that have a column `window`."""
        if slices is None:
            self._wait(rows, positions(rows[WINDOW], self._keys))
        else:
            self._wait(rows, slices.to_numpy())

    def _wait(self, rows: pa.Table, slices: Integers) -> None:
        self._pending.append((rows, slices))
        self._waiting += len(rows)
        if self._waiting >= self._most_rows:
            self.flush()

    def flush(self) -> None:
        """Writes the rows that wait."""
        if self._waiting:
            names = [name for name in self.names if name != WINDOW]
            rows = pa.concat_tables([part.select(names) for part, _ in self._pending])
            slices = np.concatenate([numbers for _, numbers in self._pending])
            rows, slices = self._in_order(rows, slices)
            windows = pa.DictionaryArray.from_arrays(slices.astype(np.int32), self._keys)
            for day, part in by_number(rows.append_column(WINDOW, windows), self._day_of[slices]):
                self.write(part, {"date": self._days[day]})
        self._pending, self._waiting = [], 0

    def _in_order(self, rows: pa.Table, slices: Integers) -> tuple[pa.Table, Integers]:
        """The rows by their windows, those of each in their order."""
        if (slices[1:] >= slices[:-1]).all():
            return rows, slices
        order = np.argsort(slices, kind="stable")
        return rows.take(pa.array(order)), slices[order]


def keys_of(windows: Windows) -> pa.Array:
    """The key of each of the windows."""
    return pa.array([window.key for window in windows])


@contextmanager
def window_files(lake: Lake, name: str, windows: Windows, plain: Collection[str] = ()) -> Iterator[WindowFiles]:
    """Files of a table, which need not exist yet; if the block fails, they are removed unless they are committed."""
    files = WindowFiles(lake.location(name), lake.table(name), windows, plain)
    try:
        yield files
    except BaseException:
        lake.discard(name, files.actions)
        raise
