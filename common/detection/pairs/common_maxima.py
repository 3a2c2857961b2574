"""Common maxima: what many hosts do at once in the same group of traffic is not an attack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Floats, Integers
from common.coded import Names
from common.detection.pairs.contacts import changes, distinct, places
from common.detection.pairs.evidence import KINDS, Coded, Evidence
from common.detection.parameters import PairParameters

WINDOW_BITS = 32
LEADERS_LEAST, LEADERS_READ = 2, 3  # the second of the others is among the first three


@dataclass(frozen=True, eq=False)
class Presence:
    """How many hosts rows have in each group and window, and in all.

    `codes` has group << WINDOW_BITS | window, rising; groups are places in `groups`.
    """

    groups: pa.Array
    codes: Integers
    counts: Integers
    hosts: int

    @classmethod
    def of(cls, group: Coded, host: Coded, window: Integers) -> Presence:
        """The presence of the hosts of rows with these groups, hosts and windows."""
        at, place = np.unique(_codes(group.numbers, window), return_inverse=True)
        hosts = len(host.texts)
        counts = np.bincount(distinct(place * hosts + host.numbers) // max(hosts, 1), minlength=len(at))
        return cls(group.texts, at, counts, hosts)

    @classmethod
    def merged(cls, parts: Sequence[Presence]) -> Presence:
        """The presence of different hosts together."""
        names = Names()
        every = np.concatenate([part.renumbered(names) for part in parts])
        order = np.argsort(every, kind="stable")
        begins = changes(every[order])
        counts = np.concatenate([part.counts for part in parts])[order]
        counts = np.add.reduceat(counts, begins) if len(begins) else counts
        return cls(names.texts, every[order][begins], counts, sum(part.hosts for part in parts))

    def renumbered(self, names: Names) -> Integers:
        """The codes, whose groups have the numbers of the names."""
        groups = names.numbers(pa.chunked_array([self.groups]))
        return _codes(groups[self.codes >> WINDOW_BITS], self.codes & (1 << WINDOW_BITS) - 1)

    def crowds(self, parameters: PairParameters) -> Crowds:
        """The groups and windows in which a quorum of the hosts is."""
        return Crowds(self.groups, self.codes[self.counts >= parameters.quorum(self.hosts)])


@dataclass(frozen=True, eq=False)
class Crowds:
    """Groups and windows with many hosts, as in `Presence`."""

    groups: pa.Array
    codes: Integers

    def rows(self, evidence: Evidence) -> tuple[Integers, Integers]:
        """The rows that lie in a crowd, and the place of the crowd of each.

        Inbound rows do not count: whom many contact does nothing itself.
        """
        number = np.asarray(pc.fill_null(pc.index_in(evidence.group.texts, value_set=self.groups), -1), dtype=np.int64)
        place, crowded = places(self.codes, _codes(number[evidence.group.numbers], evidence.window))
        rows = np.flatnonzero(crowded & (evidence.kind < KINDS.index("inbound")))
        return rows, place[rows]

    def leaders(self, evidence: Evidence, count: int) -> dict[str, Leaders]:
        """The `count` hosts with the highest values in each crowd, for each amount."""
        rows, crowd = self.rows(evidence)
        hosts = len(evidence.host.texts)
        pairs, pair = np.unique(crowd * hosts + evidence.host.numbers[rows], return_inverse=True)
        of_crowd, host = np.divmod(pairs, max(hosts, 1))
        found = {}
        for name, values in evidence.amounts.items():
            best = np.full(len(pairs), -np.inf)
            np.maximum.at(best, pair, values[rows])
            found[name] = Leaders.of(best, of_crowd, host, len(self.codes), count, evidence.host.texts)
        return found


@dataclass(frozen=True, eq=False)
class Leaders:
    """The highest hosts of each crowd: values, falling, of shape (n_crowds, count), and the places of hosts in `texts`.

    -inf and -1 stand for none.
    """

    values: Floats
    hosts: Integers
    texts: pa.Array

    @classmethod
    def of(cls, best: Floats, crowd: Integers, host: Integers, crowds: int, count: int, texts: pa.Array) -> Leaders:
        """From the best value of each crowd and host; only the texts of leaders are kept."""
        values, names = highest(best, crowd, host, crowds, count)
        used = distinct(names[names >= 0])
        return cls(values, np.where(names < 0, -1, np.searchsorted(used, names)), texts.take(pa.array(used)))

    @classmethod
    def merged(cls, parts: Sequence[Leaders]) -> Leaders:
        """The leaders among those of different hosts."""
        crowds, count = parts[0].values.shape
        before = np.cumsum([0, *(len(part.texts) for part in parts)])
        values = np.concatenate([part.values.ravel() for part in parts])
        hosts = np.concatenate([np.where(part.hosts < 0, -1, part.hosts + first).ravel()
                                for part, first in zip(parts, before, strict=False)])  # fmt: skip
        crowd = np.tile(np.repeat(np.arange(crowds), count), len(parts))
        there = hosts >= 0
        texts = pa.concat_arrays([part.texts for part in parts])
        return cls.of(values[there], crowd[there], hosts[there], crowds, count, texts)


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
            host = _places_in(evidence.host, leaders.texts)[rows]
            found[name][rows] = of_others(leaders.values, leaders.hosts, crowd, host)
        return found


def _codes(group: Integers, window: Integers) -> Integers:
    """A number for each group and window; negative for a group of number -1."""
    return np.where(group < 0, -1, group << WINDOW_BITS | window)


def _places_in(coded: Coded, texts: pa.Array) -> Integers:
    """The place of each row's text among the texts, -1 for none."""
    place = pc.fill_null(pc.index_in(coded.texts, value_set=texts), -1)
    return np.asarray(place, dtype=np.int64)[coded.numbers]


def highest(best: Floats, group: Integers, host: Integers, groups: int, count: int) -> tuple[Floats, Integers]:
    """The highest hosts of each group: values and host numbers of shape (groups, count); -inf and -1 for none."""
    order = np.lexsort((host, -best, group))
    first = np.searchsorted(group[order], np.arange(groups))
    place = first[:, None] + np.arange(count)
    inside = np.minimum(place, max(len(order) - 1, 0))
    there = (place < len(order)) & (group[order][inside] == np.arange(groups)[:, None])
    return np.where(there, best[order][inside], -np.inf), np.where(there, host[order][inside], -1)


def of_others(leaders: Floats, names: Integers, group: Integers, host: Integers) -> Floats:
    """What the second of the other hosts reached in the group; the first where it is alone; -inf without any."""
    values = [column[group] for column in leaders.T[:LEADERS_READ]]
    values += [np.full(len(group), -np.inf)] * (LEADERS_READ - len(values))
    is_first, is_second = ((column[group] == host) & (host >= 0) for column in names.T[:LEADERS_LEAST])
    first, second = np.where(is_first, values[1], values[0]), np.where(is_first | is_second, values[2], values[1])
    return np.asarray(np.where(np.isfinite(second), second, first))
