"""Habits: what hosts do on most days. A habit that no other host has can be that of an attacker who was there first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.arrays import Flags, Floats, Integers
from common.detection.checked import MOST, damaged
from common.detection.pairs.contacts import places
from common.detection.pairs.evidence import KINDS, Evidence
from common.detection.pairs.prior_maxima import Cells
from common.detection.parameters import PairParameters
from common.detection.registry.tensors import Arrays, vector


@dataclass(frozen=True, eq=False)
class Habits:
    """What hosts do in groups of traffic that they begin, in the order of group and host, both by their codes.

    `days` is on how many days; `decades` the median over these of the highest sum of pieces of the day, compared with
    other hosts alone, in log10 units.
    """

    group: Integers
    host: Integers
    kind: Integers
    days: Integers
    decades: Floats

    @classmethod
    def none(cls) -> Habits:
        """No habits."""
        nothing = np.zeros(0, dtype=np.int64)
        return cls(nothing, nothing, nothing, nothing, np.zeros(0))

    @classmethod
    def of(cls, cells: Cells, sums: Floats, days_least: int) -> Habits:
        """Those of rows with these cells and sums of pieces, on at least that many days."""
        pair, reached = cells.by_day(sums)
        ordered = reached[np.lexsort((reached, pair))]
        days = np.bincount(pair, minlength=len(cells.pairs.kind))
        first = np.cumsum(days) - days
        median = (ordered[first + (days - 1) // 2] + ordered[first + days // 2]) / 2
        pairs = cls(cells.pairs.group, cells.pairs.host, cells.pairs.kind, days, median)
        return pairs.part(days >= days_least)

    @classmethod
    def joined(cls, parts: Sequence[Habits]) -> Habits:
        """Those of different hosts together."""
        found = cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])))
        return found.part(np.lexsort((found.host, found.group)))

    def part(self, rows: Integers | Flags) -> Habits:
        """Some of the habits, by their numbers or as a mask."""
        return Habits(*(column[rows] for column in vars(self).values()))

    def odd(self, parameters: PairParameters) -> Habits:
        """Those that lie beyond what a share of `habit_share` of the habits of their kind would reach."""
        found = np.zeros(len(self.kind), dtype=bool)
        below, above = parameters.habit_quantile_low, parameters.habit_quantile_high
        for number in range(len(KINDS)):
            mine = self.kind == number
            if np.count_nonzero(mine) >= parameters.habit_pairs:
                low, high = np.quantile(self.decades[mine], (below, above))
                spread = max((high - low) / log((1 - below) / (1 - above)), parameters.habit_spread_min)
                found |= mine & (self.decades > high + spread * log((1 - above) / parameters.habit_share))
        return self.part(found)

    def of_rows(self, evidence: Evidence) -> Flags:
        """Which rows are of these habits."""
        found = np.zeros(len(evidence.kind), dtype=bool)
        group, of_group = places(evidence.group.codes, self.group)
        host, of_host = places(evidence.host.codes, self.host)
        hosts, known = len(evidence.host.codes), of_group & of_host
        wanted = np.sort(group[known] * hosts + host[known])
        if len(wanted):
            found = places(wanted, evidence.group.numbers * hosts + evidence.host.numbers)[1]
        return found

    def marked(self, evidence: Evidence) -> Evidence:
        """The evidence, with the rows of these habits as such."""
        habit = self.of_rows(evidence)
        return evidence.with_habits(habit) if habit.any() else evidence

    def left_out(self, evidence: Evidence) -> Evidence:
        """The evidence without the rows of these habits."""
        habit = self.of_rows(evidence)
        return evidence.of_rows(np.flatnonzero(~habit)) if habit.any() else evidence

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """The habits as arrays whose names begin with `name`."""
        return {f"{name}.{part}": values for part, values in vars(self).items()}

    @classmethod
    def from_arrays(cls, arrays: Arrays, name: str) -> Habits:
        """The habits that `arrays` gave.

        Raises:
            ModelError: they are damaged.
        """
        group, host, kind, days = (
            vector(arrays, f"{name}.{part}", "<i8") for part in ("group", "host", "kind", "days")
        )
        found = cls(group, host, kind, days, vector(arrays, f"{name}.decades", "<f8"))
        rising = (group[1:] > group[:-1]) | ((group[1:] == group[:-1]) & (host[1:] > host[:-1]))
        if (
            len({len(column) for column in vars(found).values()}) > 1
            or not rising.all()
            or not ((found.kind >= 0) & (found.kind < KINDS.index("inbound"))).all()
            or not ((found.days >= 1) & (found.days <= MOST)).all()
            or not ((found.decades >= 0) & (found.decades <= MOST)).all()
        ):
            raise damaged(name)
        return found
