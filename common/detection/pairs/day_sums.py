"""What pairs did in each window and in the last 24 hours, summed up in one pass back in time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from common.arrays import Integers
from common.detection.pairs.contacts import LATE, Small, changes
from common.detection.pairs.reading import GAPS, SUMS

OF_DAY = (*SUMS, "slices", *GAPS)


@dataclass(frozen=True, eq=False)
class PairSlices:
    """What pairs, by number, did in some windows, by the names of `SUMS`, `GAPS` and `TIMES`."""

    pair: Small
    window: Small
    quantities: dict[str, Integers]

    def by_window(self) -> Iterator[tuple[int, PairSlices]]:
        """The slices of each window, the last window first."""
        order = np.argsort(self.window, kind="stable")[::-1]
        windows = self.window[order]
        for begin, end in pairwise([*changes(windows).tolist(), len(order)]):
            rows = order[begin:end]
            each = {name: values[rows] for name, values in self.quantities.items()}
            yield int(windows[begin]), PairSlices(self.pair[rows], windows[begin:end], each)


@dataclass(frozen=True, eq=False)
class DaySums:
    """The pairs of a window, by rising number, with the sums of the window and of the day that ends with it.

    The gaps of a day are those between the sessions of it: the first one of a pair has none before it.
    """

    window: int
    pair: Integers
    now: dict[str, Integers]
    day: dict[str, Integers]


def day_sums(slices: Iterable[PairSlices], pairs: int, first: int, last: int, day: int) -> Iterator[DaySums]:
    """The sums of the windows from the last one back to the first, which need the slices of `day` windows each.

    Args:
        slices: from the last window back, each window in one piece.
        pairs: how many pairs there are.
        first: number of the first window that has sums; earlier slices only count for them.
        last: number of the last window.
        day: how many windows a day has.
    """
    running = _Running(pairs)
    wanted: dict[int, tuple[Integers, dict[str, Integers], dict[str, Integers]]] = {}
    each = (entry for part in slices for entry in part.by_window())
    number, part = next(each, (0, None))
    for window in range(last, first - day, -1):
        if part is not None and number == window:
            pair = running.gaps(part)
            later = running.of(pair)
            running.add(part, pair)
            if window >= first:
                wanted[window] = pair, later, running.since(later, pair)
            number, part = next(each, (0, None))
        if (done := wanted.pop(window + day - 1, None)) is not None:
            pair, later, now = done
            yield DaySums(window + day - 1, pair, now, running.since(later, pair))


class _Running:
    """The sums of each pair over all slices that have been added, which are earlier and earlier ones."""

    def __init__(self, pairs: int) -> None:
        self._total = {name: np.zeros(pairs, dtype=np.int64) for name in OF_DAY}
        self._next = np.zeros(pairs, dtype=np.int64)  # when the first session of the slice after began
        self._begin = np.full(pairs, LATE)
        self._end = np.zeros(pairs, dtype=np.int64)

    def of(self, pair: Integers) -> dict[str, Integers]:
        """The sums of some pairs."""
        return {name: total[pair] for name, total in self._total.items()}

    def since(self, later: dict[str, Integers], pair: Integers) -> dict[str, Integers]:
        """What has been added since `of` gave these sums."""
        return {name: total[pair] - later[name] for name, total in self._total.items()}

    def gaps(self, part: PairSlices) -> Integers:
        """Adds the gaps between the slices of a window and those after them; returns its pairs, each once."""
        np.minimum.at(self._begin, part.pair, part.quantities["first_ts"])
        np.maximum.at(self._end, part.pair, part.quantities["last_ts"])
        pair = np.flatnonzero(self._begin < LATE)
        gap = np.maximum(self._next[pair] - self._end[pair], 0)
        self._total["gap_s"][pair] += gap
        self._total["gap_sq_s"][pair] += gap**2
        self._next[pair] = self._begin[pair]
        self._begin[pair], self._end[pair] = LATE, 0
        return pair

    def add(self, part: PairSlices, pair: Integers) -> None:
        """Adds the slices of a window, of these pairs; those of several protocols count as one slice."""
        for name in (*SUMS, *GAPS):
            np.add.at(self._total[name], part.pair, part.quantities[name])
        self._total["slices"][pair] += 1
