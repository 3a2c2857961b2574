"""Common maxima: what many hosts do at once in the same group of traffic is not an attack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from common.arrays import Floats, Integers
from common.detection.pairs.coded_columns import Coded
from common.detection.pairs.contacts import changes, distinct, places
from common.detection.pairs.evidence import KINDS, Evidence
from common.detection.parameters import PairParameters

WINDOW_BITS = 32
LEADERS_LEAST, LEADERS_READ = 2, 3  # the second of the others is among the first three


@dataclass(frozen=True, eq=False)
class Presence:
    """How many hosts rows have in each group and window, and in all.

    `cells` has place << WINDOW_BITS | window, rising, where the place is that of the group in `groups`, which rise.
    """

    groups: Integers
    cells: Integers
    counts: Integers
    hosts: int

    @classmethod
    def of(cls, group: Coded, host: Coded, window: Integers) -> Presence:
        """The presence of the hosts of rows with these groups, hosts and windows."""
        at, place = np.unique(_cells(group.numbers, window), return_inverse=True)
        hosts = len(host.codes)
        counts = np.bincount(distinct(place * hosts + host.numbers) // max(hosts, 1), minlength=len(at))
        return cls(group.codes, at, counts, int(np.count_nonzero(np.bincount(host.numbers))))

    @classmethod
    def merged(cls, parts: Sequence[Presence]) -> Presence:
        """The presence of different hosts together."""
        groups = distinct(np.concatenate([part.groups for part in parts]))
        every = np.concatenate([part._among(groups) for part in parts])
        order = np.argsort(every, kind="stable")
        begins = changes(every[order])
        counts = np.concatenate([part.counts for part in parts])[order]
        counts = np.add.reduceat(counts, begins) if len(begins) else counts
        return cls(groups, every[order][begins], counts, sum(part.hosts for part in parts))

    def _among(self, groups: Integers) -> Integers:
        """The cells, by the places of their groups among these."""
        place = np.searchsorted(groups, self.groups)
        return _cells(place[self.cells >> WINDOW_BITS], self.cells & (1 << WINDOW_BITS) - 1)

    def crowds(self, parameters: PairParameters) -> Crowds:
        """The groups and windows in which a quorum of the hosts is."""
        return Crowds(self.groups, self.cells[self.counts >= parameters.quorum(self.hosts)])


@dataclass(frozen=True, eq=False)
class Crowds:
    """Groups and windows with many hosts, as in `Presence`."""

    groups: Integers
    cells: Integers

    def rows(self, evidence: Evidence) -> tuple[Integers, Integers]:
        """The rows that lie in a crowd, and the place of the crowd of each.

        Inbound rows do not count: whom many contact does nothing itself. Nor do habits, which are no passing crowd's.
        """
        number = places_in(evidence.group, self.groups)
        place, crowded = places(self.cells, _cells(number, evidence.window))
        rows = np.flatnonzero(crowded & (evidence.kind < KINDS.index("inbound")) & ~evidence.habit)
        return rows, place[rows]

    def leaders(self, evidence: Evidence, count: int) -> dict[str, Leaders]:
        """The `count` hosts with the highest values in each crowd, for each amount."""
        rows, crowd = self.rows(evidence)
        hosts = len(evidence.host.codes)
        pairs, pair = np.unique(crowd * hosts + evidence.host.numbers[rows], return_inverse=True)
        of_crowd, host = np.divmod(pairs, max(hosts, 1))
        found = {}
        for name, values in evidence.amounts.items():
            best = np.full(len(pairs), -np.inf)
            np.maximum.at(best, pair, values[rows])
            found[name] = Leaders.of(best, of_crowd, host, len(self.cells), count, evidence.host.codes)
        return found


@dataclass(frozen=True, eq=False)
class Leaders:
    """The highest hosts of each crowd: values, falling, of shape (n_crowds, count), and the places of hosts in `codes`.

    -inf and -1 stand for none; `codes` rise.
    """

    values: Floats
    hosts: Integers
    codes: Integers

    @classmethod
    def of(cls, best: Floats, crowd: Integers, host: Integers, crowds: int, count: int, codes: Integers) -> Leaders:
        """From the best value of each crowd and host, in this order; only the codes of leaders are kept."""
        values, names = highest(best, crowd, host, crowds, count)
        used = distinct(names[names >= 0])
        return cls(values, np.where(names < 0, -1, np.searchsorted(used, names)), codes[used])

    @classmethod
    def merged(cls, parts: Sequence[Leaders]) -> Leaders:
        """The leaders among those of different hosts."""
        crowds, count = parts[0].values.shape
        codes = distinct(np.concatenate([part.codes for part in parts]))
        values = np.concatenate([part.values.ravel() for part in parts])
        hosts = np.concatenate([np.append(np.searchsorted(codes, part.codes), -1)[part.hosts].ravel()
                                for part in parts])  # fmt: skip
        crowd = np.tile(np.repeat(np.arange(crowds), count), len(parts))
        order = np.lexsort((hosts, crowd))
        order = order[hosts[order] >= 0]
        return cls.of(values[order], crowd[order], hosts[order], crowds, count, codes)


@dataclass(frozen=True, eq=False)
class CommonMaxima:
    """What hosts in crowds reach, for each amount of evidence."""

    crowds: Crowds
    leaders: Mapping[str, Leaders]

    @classmethod
    def of(cls, evidence: Evidence, parameters: PairParameters) -> CommonMaxima:
        """The common maxima of the evidence of all hosts."""
        crowds = Presence.of(evidence.group, evidence.host, evidence.window).crowds(parameters)
        return cls(crowds, crowds.leaders(evidence, parameters.leaders))

    @classmethod
    def merged(cls, crowds: Crowds, parts: Sequence[Mapping[str, Leaders]]) -> CommonMaxima:
        """The common maxima of the leaders that parts of the hosts have in the crowds."""
        return cls(crowds, {name: Leaders.merged([part[name] for part in parts]) for name in parts[0]})

    def maxima(self, evidence: Evidence) -> dict[str, Floats]:
        """For each row what the second of the other hosts reaches; -inf without a quorum, and for inbound rows."""
        rows, crowd = self.crowds.rows(evidence)
        found = {}
        for name, leaders in self.leaders.items():
            found[name] = np.full(len(evidence.window), -np.inf)
            host = places_in(evidence.host, leaders.codes)[rows]
            found[name][rows] = of_others(leaders.values, leaders.hosts, crowd, host)
        return found


def _cells(group: Integers, window: Integers) -> Integers:
    """A number for each group and window; negative for a group of number -1."""
    return np.where(group < 0, -1, group << WINDOW_BITS | window)


def places_in(coded: Coded, codes: Integers) -> Integers:
    """The place of each row's code among these, which rise; -1 for none."""
    place, known = places(codes, coded.codes)
    return np.where(known, place, -1)[coded.numbers]


def highest(best: Floats, group: Integers, host: Integers, groups: int, count: int) -> tuple[Floats, Integers]:
    """The highest hosts of each group: values and host numbers of shape (groups, count); -inf and -1 for none.

    The best values, none of them -inf, are in the order of group and host; of equal ones, the first host is taken.
    """
    values, names = np.full((groups, count), -np.inf), np.full((groups, count), -1)
    begins = changes(group)
    sizes = np.diff(begins, append=len(group))
    rest = best.copy()
    for place in range(count if len(best) else 0):
        most = np.repeat(np.maximum.reduceat(rest, begins), sizes)
        at = np.flatnonzero((rest == most) & (rest > -np.inf))
        at = at[changes(group[at])]
        values[group[at], place], names[group[at], place] = rest[at], host[at]
        rest[at] = -np.inf
    return values, names


def of_others(leaders: Floats, names: Integers, group: Integers, host: Integers) -> Floats:
    """What others than the host of each row reached in its group, of which there are leaders as `highest` has them."""
    values, hosts = ([column[group] for column in columns.T[:LEADERS_READ]] for columns in (leaders, names))
    return second_of_others(values, hosts, host)


def second_of_others(values: Sequence[Floats], names: Sequence[Integers], host: Integers) -> Floats:
    """What the second of the other hosts reached; the first where it is alone; -inf without any.

    Values and names are those of the first, the second and the third leader of each row's group.
    """
    values = [*values, *[np.full(len(host), -np.inf)] * (LEADERS_READ - len(values))]
    is_first, is_second = ((name == host) & (host >= 0) for name in names[:LEADERS_LEAST])
    first, second = np.where(is_first, values[1], values[0]), np.where(is_first | is_second, values[2], values[1])
    return np.asarray(np.where(np.isfinite(second), second, first))
