"""Lasting contacts: for how long, in how many windows and how evenly a host has met a peer since it first did."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from common.arrays import Integers
from common.detection.pairs.contacts import LATE, Contacts, Small, changes, distinct
from common.detection.parameters import PairParameters
from common.windows import WINDOWS_PER_DAY

COLUMNS = ("lasting_windows", "lasting_span", "lasting_gap_sq")


class Lasting:
    """The windows in which numbered pairs met: those of a date one by one, those of earlier dates by their roll-up.

    Of an earlier date the first window, the last and their number are known; between these they count as evenly spaced.
    """

    def __init__(self, pairs: int, midnight: int) -> None:
        self._pairs, self._midnight = pairs, midnight
        self._days: list[Integers] = []
        self._today: list[Integers] = []

    def add_days(self, pair: Small, first: Small, last: Small, windows: Small) -> None:
        """Adds dates before this one: the first and the last window of pairs, and in how many they met."""
        self._days.append(np.stack([pair, first, last, np.minimum(windows, last - first + 1)]).astype(np.int64))

    def add_windows(self, pair: Small, window: Small) -> None:
        """Adds windows in which pairs met; those before this date are among the dates."""
        today = window >= self._midnight
        self._today.append(_cells(pair[today], window[today] - self._midnight))

    def columns(
        self, pair: Integers, window: Integers, since: Integers, parameters: PairParameters
    ) -> dict[str, Integers]:
        """For pairs in windows of this date in which they met, by the names of `COLUMNS`.

        - `lasting_windows`: in how many windows they have met so far;
        - `lasting_span`: how many windows after the first of these the last one is;
        - `lasting_gap_sq`: the sum of the squares of the gaps between them, in windows.

        All are 0 for fewer than `lasting_windows`, and where the first one is within the last 24 hours, `lasting_days`
        ago or more, or within 24 hours of `since`: when the pair's host was first seen, what it meets is no news.
        """
        met = distinct(np.concatenate(self._today))
        at = np.searchsorted(met, _cells(pair, window - self._midnight))
        begin = np.searchsorted(met, _cells(np.arange(self._pairs), 0))[pair]
        first_today, count_today = met[begin] % WINDOWS_PER_DAY + self._midnight, at - begin + 1
        days = _Days.of(self._days, self._pairs)
        count, first, last, gap_sq = (values[pair] for values in vars(days).values())
        gap_sq = gap_sq + (first_today - last) ** 2 + _even(first_today, window, count_today)
        day, span = parameters.memory_windows, window - first
        windows = count + count_today
        lasting = (
            (count > 0)
            & (windows >= parameters.lasting_windows)
            & (span >= day)
            & (span < parameters.lasting_days * day)
            & (first >= since + day)
        )
        found = (windows, span, gap_sq)
        return {name: np.where(lasting, values, 0) for name, values in zip(COLUMNS, found, strict=True)}


@dataclass(frozen=True, eq=False)
class _Days:
    """What pairs did on the dates before this one, by number; pairs that did not meet have a count of 0."""

    count: Integers
    first: Integers
    last: Integers
    gap_sq: Integers

    @classmethod
    def of(cls, parts: list[Integers], pairs: int) -> _Days:
        pair, first, last, windows = np.concatenate([np.zeros((4, 0), dtype=np.int64), *parts], axis=1)
        order = np.lexsort((first, pair))
        pair, first, last, windows = (values[order] for values in (pair, first, last, windows))
        heads = changes(pair)
        gap_sq = _even(first, last, windows)
        gap_sq[1:] += np.where(pair[1:] == pair[:-1], (first[1:] - last[:-1]) ** 2, 0)
        found = cls(*(np.zeros(pairs, dtype=np.int64) for _ in range(4)))
        if len(heads):
            found.count[pair[heads]] = np.add.reduceat(windows, heads)
            found.first[pair[heads]] = first[heads]
            found.last[pair[heads]] = np.maximum.reduceat(last, heads)
            found.gap_sq[pair[heads]] = np.add.reduceat(gap_sq, heads)
        return found


@dataclass(eq=False)
class HostsSeen:
    """When hosts, by their numbers in contacts, were first seen."""

    _first: Integers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def add(self, contacts: Contacts) -> None:
        """Adds contacts."""
        more = int(contacts.host.max(initial=-1)) + 1 - len(self._first)
        self._first = np.append(self._first, np.full(max(more, 0), LATE))
        np.minimum.at(self._first, contacts.host, contacts.start)

    def of(self, host: Integers) -> Integers:
        """The window in which each host was first seen; that of one that was not is later than any."""
        known = host < len(self._first)
        return np.where(known, self._first[np.where(known, host, 0)], LATE) if len(self._first) else host * 0 + LATE


def _even(first: Integers, last: Integers, windows: Integers) -> Integers:
    """The sum of the squares of the gaps between so many evenly spaced windows."""
    return np.asarray((last - first) ** 2 // np.maximum(windows - 1, 1))


def _cells(pair: Integers | Small, window: Integers | Small | int) -> Integers:
    """A number for each pair and window of a date."""
    return np.asarray(pair, dtype=np.int64) * WINDOWS_PER_DAY + window
