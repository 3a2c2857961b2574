"""Files of a table of windows, written from Arrow: each has the rows of one window."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Integers
from common.contracts.types import Table
from common.lake.lake import Lake
from common.lake.row_groups import by_number
from common.lake.table_files import WINDOW, TableFiles
from common.windows import Windows

MOST_ROWS = 1 << 20


class WindowFiles(TableFiles):
    """Writes rows to files of a table, at least one for each window that has rows.

    Rows wait in memory until there are `most_rows`, which bounds both the memory and the number of files. `places` are
    the positions of the windows of the files.
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
        self.places: list[int] = []
        self._most_rows = most_rows
        self._members = list(windows)
        self._pending: list[tuple[pa.Table, Integers]] = []

    def add(self, rows: pa.Table, slices: pa.ChunkedArray | None = None) -> None:
        """Adds rows, with the position of the window of each; without positions, rows that have a column `window`."""
        if slices is None:
            keys = pa.array([window.key for window in self._members])
            slices = pc.index_in(rows[WINDOW], value_set=keys)
        self._pending.append((rows, slices.to_numpy()))
        if self._waiting >= self._most_rows:
            self.flush()

    def flush(self) -> None:
        """Writes the rows that wait."""
        if self._waiting:
            names = [name for name in self.names if name != WINDOW]
            rows = pa.concat_tables([part.select(names) for part, _ in self._pending]).unify_dictionaries()
            slices = np.concatenate([numbers for _, numbers in self._pending])
            for number, part in by_number(rows, slices):
                window = self._members[number]
                self.write(
                    part.append_column(WINDOW, repeated(window.key, len(part))), {"date": f"{window.start:%Y-%m-%d}"}
                )
                self.places.append(number)
        self._pending = []

    @property
    def _waiting(self) -> int:
        return sum(len(rows) for rows, _ in self._pending)


def repeated(text: str, count: int) -> pa.DictionaryArray:
    """A column with the same text in each row."""
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), [text])


@contextmanager
def window_files(lake: Lake, name: str, windows: Windows, plain: Collection[str] = ()) -> Iterator[WindowFiles]:
    """Files of a table, which need not exist yet; if the block fails, they are removed unless they are committed."""
    files = WindowFiles(lake.location(name), lake.table(name), windows, plain)
    try:
        yield files
    except BaseException:
        lake.discard(name, files.actions)
        raise
