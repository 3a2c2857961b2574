"""What the calendar leaves out of rows of hosts in windows, and how much that is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa

from common.arrays import Flags, Integers
from common.calendar.entries import Calendar
from common.coded import encoded
from common.display import counted
from common.windows import EPOCH, WINDOW

MEMORY = timedelta(days=1)
"""How long after the end of an entry sums over 24 hours still have something of it."""
DAY_MICROS = 86_400_000_000


class LeftOut:
    """Leaves rows out that lie in an entry of the calendar, and counts them.

    A window lies in an entry that lasts for any part of it, or that ended less than `after` before it.
    """

    def __init__(self, calendar: Calendar, after: timedelta = timedelta(0)) -> None:
        self._calendar, self._after = calendar, after
        self._hosts: set[str] = set()
        self._days: set[int] = set()
        self.rows = self.found = 0

    def kept(self, starts: pa.ChunkedArray, host: pa.ChunkedArray, *others: pa.ChunkedArray) -> Flags:
        """Which rows are kept, by the starts of their windows, their hosts, and other addresses that they are about."""
        self.found += len(starts)
        if not self._calendar or not len(starts):
            return np.ones(len(starts), dtype=bool)
        columns = [encoded(column) for column in (host, *others)]
        micros = starts.to_numpy().astype("datetime64[us]").astype(np.int64)
        out = self._lie_in(micros, columns)
        self.rows += int(np.count_nonzero(out))
        used = np.unique(np.asarray(columns[0].indices)[out])
        self._hosts.update(columns[0].dictionary.take(pa.array(used)).to_pylist())
        self._days.update(np.unique(micros[out] // DAY_MICROS).tolist())
        return ~out

    def anew(self) -> LeftOut:
        """One that leaves out the same, and has counted nothing."""
        return LeftOut(self._calendar, self._after)

    def include(self, other: LeftOut) -> None:
        """Adds what another one has counted."""
        self._hosts |= other._hosts
        self._days |= other._days
        self.rows += other.rows
        self.found += other.found

    def _lie_in(self, micros: Integers, columns: list[pa.DictionaryArray]) -> Flags:
        """Which rows lie in an entry."""
        found = np.zeros(len(micros), dtype=bool)
        earliest, latest = int(micros.min()), int(micros.max())
        for scope in self._calendar.scopes:
            first, last = _micros(scope.entry.start_ts - WINDOW), _micros(scope.entry.end_ts + self._after)
            if first < latest and earliest < last:
                lasts = (micros > first) & (micros < last)
                for column in columns:
                    found |= lasts & scope.has(column.dictionary)[np.asarray(column.indices)]
        return found

    @property
    def words(self) -> str:
        """How much was left out."""
        return f"left out by the calendar: {left_out_words(self.figures())}"

    def figures(self) -> dict[str, int]:
        """The same as JSON values."""
        return {"hosts": len(self._hosts), "days": len(self._days), "rows": self.rows, "rows_found": self.found}


def left_out_words(figures: Mapping[str, int]) -> str:
    """What `LeftOut.figures` says, in words."""
    hosts, days = counted(figures["hosts"], "host"), counted(figures["days"], "day")
    return f"{hosts}, {days}, {figures['rows']:,} of {counted(figures['rows_found'], 'row')}"


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)
