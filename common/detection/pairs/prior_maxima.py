"""Prior maxima: the most that each host, and other hosts, did before in each group of traffic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats, Integers
from common.detection.checked import MOST, damaged
from common.detection.pairs.coded_columns import Coded
from common.detection.pairs.common_maxima import LEADERS_READ, highest, of_others, places_in, second_of_others
from common.detection.pairs.contacts import changes, distinct, places
from common.detection.pairs.evidence import KINDS
from common.detection.parameters import PairParameters
from common.detection.registry.tensors import Arrays, vector


@dataclass(frozen=True, eq=False)
class Pairs:
    """Groups with each of their hosts, both by their codes, and the kind of each."""

    group: Integers
    host: Integers
    kind: Integers


@dataclass(frozen=True, eq=False)
class Cells:
    """What rows have in common: each group with each of its hosts, a pair, and each of these on each day, a cell.

    Rows in the `order` are in the order of their cells, which begin there at `cell_begins`; the cells of a pair begin
    at `pair_begins`.
    """

    order: Integers
    cell_begins: Integers
    pair_begins: Integers
    pairs: Pairs

    @classmethod
    def of(cls, group: Coded, host: Coded, day: Integers, kind: Integers) -> Cells:
        """The cells of rows; where the rows of a pair are of several kinds, that of the last one is the pair's."""
        pair = group.numbers * len(host.codes) + host.numbers
        cell = pair * (int(day.max(initial=0)) + 1) + day
        order = np.argsort(cell, kind="stable")
        cell_begins = changes(cell[order])
        pair_begins = changes(pair[order[cell_begins]])
        first = order[cell_begins[pair_begins]]
        last = np.append(cell_begins[pair_begins[1:]], len(order))[: len(first)] - 1
        pairs = Pairs(group.codes[group.numbers[first]], host.codes[host.numbers[first]], kind[order[last]])
        return cls(order, cell_begins, pair_begins, pairs)

    def best_days(self, values: Floats) -> tuple[Floats, Floats, Integers]:
        """The most that each pair reached on a day and on another day (-inf if none), and the cell of the first."""
        if not len(values):
            return np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.int64)
        pair, reached = self.by_day(values)
        best, names = highest(reached, pair, np.arange(len(reached)), len(self.pair_begins), 2)
        return best[:, 0], best[:, 1], names[:, 0]

    def by_day(self, values: Floats) -> tuple[Integers, Floats]:
        """The pair of each cell, and the most that it reached; there are rows."""
        return self._pair_of_cell, np.maximum.reduceat(values[self.order], self.cell_begins)

    def without_own_day(self, values: Floats) -> Floats:
        """The most that the pair of each row reached on any day but the row's own."""
        best, rest, best_cell = self.best_days(values)
        pair = self._pair_of_cell
        of_cell = np.where(best_cell[pair] == np.arange(len(pair)), rest[pair], best[pair])
        return self._of_rows(of_cell[self._cells])

    def of_pairs(self, values: Floats) -> Floats:
        """The value of each row's pair."""
        return self._of_rows(values[self._pair_of_cell[self._cells]])

    def _of_rows(self, ordered: Floats) -> Floats:
        found = np.empty(len(ordered))
        found[self.order] = ordered
        return found

    @property
    def _cells(self) -> Integers:
        """The cell of each row, in the order."""
        return np.repeat(np.arange(len(self.cell_begins)), np.diff(self.cell_begins, append=len(self.order)))

    @property
    def _pair_of_cell(self) -> Integers:
        return np.repeat(np.arange(len(self.pair_begins)), np.diff(self.pair_begins, append=len(self.cell_begins)))


@dataclass(frozen=True, eq=False)
class KnownPairs:
    """The groups with each of their hosts, from parts of the hosts: rising codes, and each pair as places in these.

    Pairs are in the order of group and host; `order` has their places in the parts, one part after the other.
    """

    groups: Integers
    hosts: Integers
    group: Integers
    host: Integers
    kind: Integers
    order: Integers

    @classmethod
    def of(cls, parts: Sequence[Pairs]) -> KnownPairs:
        """The pairs of parts that have different hosts."""
        group, host, kind = (np.concatenate([getattr(part, name) for part in parts])
                             for name in ("group", "host", "kind"))  # fmt: skip
        groups, hosts = distinct(group), distinct(host)
        group, host = np.searchsorted(groups, group), np.searchsorted(hosts, host)
        order = np.argsort(group * len(hosts) + host)
        return cls(groups, hosts, group[order], host[order], kind[order], order)

    def in_parts(self, values: Floats) -> Floats:
        """Values of the pairs, in the order of the parts."""
        found = np.empty(len(values))
        found[self.order] = values
        return found


@dataclass(frozen=True, eq=False)
class Places:
    """Where a model has what it knows of rows.

    `known` are the rows whose groups it knows; the others are of these: `hosts` the places of their hosts, `pairs`
    those of group and host, and `leaders` those of the first, the second and the third leader of their groups; -1 for
    none.
    """

    known: Integers
    hosts: Integers
    pairs: Integers
    leaders: Sequence[Integers]


@dataclass(frozen=True, eq=False)
class PriorMaxima:
    """The prior maximum of one quantity in each group, and the floor of each kind below which nothing counts.

    That of a row is the largest of the floor of its kind, what its own host reached in the group on any training day,
    and what the second of the other hosts reached there (the first, where there is only one). So one anomalous host
    among the others does not make its anomaly usual.

    `groups` and `hosts` are rising codes. `leaders` holds the highest hosts of one group after the other, values
    falling, from its place in `begins` on, which ends with their number; `names` are their places in `hosts`. `own` is
    what a host reached in a group where that is more than the floor and the others give it, by the rising `own_pairs`,
    group x hosts + host.
    """

    floors: Floats
    groups: Integers
    hosts: Integers
    begins: Integers
    leaders: Floats
    names: NDArray[np.int32]
    own_pairs: Integers
    own: Floats

    @classmethod
    def fit(
        cls, pairs: KnownPairs, best: Floats, floors: Floats, parameters: PairParameters
    ) -> tuple[PriorMaxima, Floats]:
        """The maxima, and what others reached by each pair, from the best of each pair in the order of the parts."""
        best = best[pairs.order]
        leaders, names = highest(best, pairs.group, pairs.host, len(pairs.groups), parameters.leaders)
        others = of_others(leaders, names, pairs.group, pairs.host)
        matters = best > np.maximum(others, floors[pairs.kind])
        own_pairs = (pairs.group * len(pairs.hosts) + pairs.host)[matters]
        maxima = cls.of_matrix(floors, pairs.groups, pairs.hosts, leaders, names, own_pairs, best[matters])
        return maxima, pairs.in_parts(others)

    @classmethod
    def of_matrix(
        cls, floors: Floats, groups: Integers, hosts: Integers, leaders: Floats, names: Integers,
        own_pairs: Integers, own: Floats,
    ) -> PriorMaxima:  # fmt: skip
        """With the leaders of one group in each row, and -1 as the name of those that are missing."""
        there = names >= 0
        begins = begins_of(there.sum(axis=1))
        return cls(floors, groups, hosts, begins, leaders[there], names[there].astype(np.int32), own_pairs, own)

    def places(self, group: Coded, host: Coded) -> Places:
        """The places of rows with these groups and hosts here: the same for all quantities of a model."""
        groups = places_in(group, self.groups)
        known = np.flatnonzero(groups >= 0)
        groups, hosts = groups[known], places_in(host, self.hosts)[known]
        pairs = np.where(hosts >= 0, groups * len(self.hosts) + hosts, -1)
        begins, ends = self.begins[groups], self.begins[groups + 1]
        leaders = [np.where(begins + place < ends, begins + place, -1) for place in range(LEADERS_READ)]
        return Places(known, hosts, pairs, leaders)

    def of(self, at: Places, kind: Integers) -> Floats:
        """The prior maximum of each row, from its places and its kind."""
        found = self.floors[kind]
        values = [np.where(place >= 0, self.leaders[place], -np.inf) for place in at.leaders]
        names = [np.where(place >= 0, self.names[place], -1) for place in at.leaders]
        others = second_of_others(values, names, at.hosts)
        place, is_own = places(self.own_pairs, at.pairs)
        own = np.where(is_own, np.append(self.own, -np.inf)[place], -np.inf)
        found[at.known] = np.maximum.reduce([found[at.known], own, others])
        return found

    @property
    def counts(self) -> NDArray[np.uint8]:
        """How many leaders each group has: the same for all quantities of a model."""
        return np.diff(self.begins).astype(np.uint8)

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """The maxima as arrays whose names begin with `name`; without `groups`, `hosts` and `counts`."""
        return {
            f"{name}.floors": self.floors,
            f"{name}.leaders": self.leaders,
            f"{name}.leader_names": self.names,
            f"{name}.own_pairs": self.own_pairs,
            f"{name}.own": self.own,
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays, name: str, groups: Integers, hosts: Integers, begins: Integers) -> PriorMaxima:
        """The maxima that `arrays` gave, for all `KINDS`, with the leaders that begin at these places.

        Raises:
            ModelError: they are damaged.
        """
        floors, own, values = (vector(arrays, f"{name}.{part}", "<f8") for part in ("floors", "own", "leaders"))
        names, own_pairs = vector(arrays, f"{name}.leader_names", "<i4"), vector(arrays, f"{name}.own_pairs", "<i8")
        if (
            len(floors) != len(KINDS)
            or len(own) != len(own_pairs)
            or not len(values) == len(names) == begins[-1]
            or not all((np.abs(numbers) <= MOST).all() for numbers in (floors, own, values))
            or not ((names >= 0) & (names < len(hosts))).all()
            or not (own_pairs[1:] > own_pairs[:-1]).all()
            or not ((own_pairs >= 0) & (own_pairs < len(groups) * len(hosts))).all()
        ):
            raise damaged(name)
        rises = np.flatnonzero(values[1:] > values[:-1]) + 1
        if not places(begins, rises)[1].all():
            raise damaged(name)
        return cls(floors, groups, hosts, begins, values, names, own_pairs, own)


def begins_of(counts: NDArray[Any]) -> Integers:
    """Where the leaders of each group begin, of which there are so many, and at the end the number of all."""
    return np.append(0, np.cumsum(counts, dtype=np.int64))
