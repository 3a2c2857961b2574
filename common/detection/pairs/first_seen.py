"""First contacts: peers, networks and services that are new to a host, and to others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.arrays import Flags, Floats, Integers
from common.detection.pairs.contacts import Finder, Small, changes
from common.detection.pairs.evidence import NOVELTIES
from common.detection.pairs.pair_keys import PairKeys
from common.detection.pairs.word_keys import WordKeys
from common.detection.pairs.words import WORDS
from common.detection.parameters import PairParameters

CONTACTS_AT_ONCE = 4_000_000
ANY = "any"
"""Beside `NOVELTIES`, what every contact is with."""


def any_of(word: str) -> str:
    """Beside `WORDS`, what every host has met whose logs have said any word of that name."""
    return f"any {word}"


class FirstContacts:
    """When hosts first met what the pairs of some windows are with: the earliest contact with each key.

    Contacts after the last of these windows are left out. Those that are as old as the past of a host must be, beyond
    the last 24 hours, are so for all of the windows, and how much older does not matter.
    """

    def __init__(self, keys: PairKeys | WordKeys, first: int, last: int, parameters: PairParameters) -> None:
        self._keys = keys
        self._origin, self._last = first - parameters.memory_windows - parameters.past_windows, last
        self._bits = (last - self._origin).bit_length()
        self._found: list[Integers] = [np.zeros(0, dtype=np.int64)]
        self._waiting = 0

    def add(self, keys: Integers, start: Small) -> None:
        """Adds contacts of any hosts: their keys, and the windows that they began in."""
        if (start > self._last).any():
            keys, start = keys[start <= self._last], start[start <= self._last]
        found = keys << self._bits
        found |= np.maximum(start - self._origin, 0)
        self._found.append(found)
        self._waiting += len(found)
        if self._waiting > CONTACTS_AT_ONCE:
            self._found, self._waiting = [_earliest(self._found, self._bits)], 0

    def of(self, pairs: Integers) -> tuple[Own, Met]:
        """What the hosts of the pairs with these keys had met, and how many of the hosts that were added had."""
        self._found = [_earliest(self._found, self._bits)]
        start = self._found[0] & (1 << self._bits) - 1
        host, target, service = self._keys.parts(self._found[0] >> self._bits)
        of_pairs, *pairs_are_with = self._keys.parts(pairs)
        hosts = max(int(host.max(initial=0)), int(of_pairs.max(initial=0))) + 1
        sends, began = np.zeros(hosts, dtype=bool), np.zeros(hosts, dtype=np.int64)
        sends[host[~self._keys.inbound(service)]] = True
        each = changes(host)
        earliest = np.minimum.reduceat(start, each) if len(each) else start
        began[host[each]] = earliest
        own, starts, firsts, counts = {}, {}, {}, {}
        for what, known in self._keys.met.items():
            finder = Finder(known)
            place, mine = finder.places(self._keys.value(what, target, service))
            contact = _earliest([(place[mine] * hosts + host[mine]) << self._bits | start[mine]], self._bits)
            with_host, first = contact >> self._bits, contact & (1 << self._bits) - 1
            place, mine = finder.places(self._keys.value(what, *pairs_are_with))
            own[what] = np.where(mine, place, -1)
            starts[what] = np.zeros(len(pairs), dtype=np.int64)
            starts[what][mine] = first[Finder(with_host).places(place[mine] * hosts + of_pairs[mine])[0]]
            firsts[what], counts[what] = np.unique_counts(with_host // hosts << self._bits | first)
        every = ANY if isinstance(self._keys, PairKeys) else any_of(self._keys.name)
        firsts[every], counts[every] = np.unique_counts(earliest)
        return Own(own, starts, began[of_pairs], sends[of_pairs]), Met(self._origin, self._bits, firsts, counts)


@dataclass(frozen=True, eq=False)
class Own:
    """What each pair is with, by the names of `NOVELTIES`, and when its own host first met that.

    `value` is a place in the `met` of the keys, `start` a window since the origin of `Met`; `begun` is that of the
    host's first contact at all. `sends` says whether the pair's host began any session within 30 days.
    """

    value: Mapping[str, Integers]
    start: Mapping[str, Integers]
    begun: Integers
    sends: Flags


@dataclass(frozen=True, eq=False)
class Met:
    """How many hosts first met each value in which window, for each of `NOVELTIES`, and anything, `ANY`, of value 0.

    So also for each of `WORDS`; whoever said any has met the value 0 of `any_of` it.

    `firsts` has value << bits | window, rising, in windows since number `origin`; `counts` the hosts of each.
    """

    origin: int
    bits: int
    firsts: Mapping[str, Integers]
    counts: Mapping[str, Integers]

    @classmethod
    def merged(cls, parts: Sequence[Met]) -> Met:
        """What different hosts met of the same values, together."""
        firsts, counts = {}, {}
        for what in parts[0].firsts:
            every = np.concatenate([part.firsts[what] for part in parts])
            order = np.argsort(every, kind="stable")
            begins = changes(every[order])
            firsts[what] = every[order][begins]
            of_parts = np.concatenate([part.counts[what] for part in parts])[order]
            counts[what] = np.add.reduceat(of_parts, begins) if len(begins) else of_parts
        return cls(parts[0].origin, parts[0].bits, firsts, counts)

    def columns(
        self, own: Mapping[str, Integers], start: Mapping[str, Integers], begun: Mapping[str, Integers],
        window: Integers, judged: Flags, parameters: PairParameters,
    ) -> dict[str, NDArray[Any]]:  # fmt: skip
        """Seven columns for each of `NOVELTIES` and `WORDS`, prefixed with its name, for pairs in windows, which rise.

        A host has a past if it had any contact `past_windows` before the last 24 hours. Everything is new to a host
        without one, so what a quorum of other hosts had met by the window is not new to it.

        - `new`: the host had not met it before the last 24 hours, within 30 days;
        - `others`: how many other hosts had; of a host without a past, by the window;
        - `bits`: 0 where it is not new, else log2((hosts + 1) / (others + 1)) with all hosts that have any history;
        - `joined`: it is new, and a quorum of other hosts first met it in the last 24 hours. These count as others,
          too, and the bits are 0: new software is not an attack. This applies only to `judged` rows;
        - `others_now`: how many other hosts had met it by the window;
        - `bits_now`: how rare that is, in bits, whether or not it is new to the host; 0 where it is `joined`;
        - `usual`: a quorum of other hosts had.

        Args:
            own: the `value` of the pair of each row.
            start: when the row's host first met that.
            begun: when the row's host first met `ANY`thing, or first said `any_of` a word.
            window: the number of the row's window.
            judged: whether the row can be common.
            parameters: those of the detector.
        """
        now = window - self.origin
        found: dict[str, NDArray[Any]] = {}
        for every, names in ((ANY, NOVELTIES), *((any_of(word), (word,)) for word in WORDS)):
            ages = (parameters.memory_windows, 0)
            known, by_now = (self._others(every, np.zeros_like(now), now, age) for age in ages)
            young = begun[every] > now - parameters.memory_windows - parameters.past_windows
            rows = _Rows(now, young, judged, known, by_now)
            for what in names:
                columns = self._columns(what, own[what], start[what], rows, parameters)
                found |= {f"{what}_{name}": column for name, column in columns.items()}
        return found

    def _columns(
        self, what: str, value: Integers, own: Integers, rows: _Rows, parameters: PairParameters
    ) -> dict[str, NDArray[Any]]:
        now, memory = rows.now, parameters.memory_windows  # what is older than the last 24 hours is known
        unknown = value < 0
        known = unknown | (own <= now - memory)
        others, by_now = (self._others(what, value, now, age) for age in (memory, 0))
        others[unknown], by_now[unknown] = 1, 1
        others -= known
        by_now -= own <= now
        quorum = np.maximum(parameters.quorum_hosts, parameters.quorum_share * rows.hosts)
        joined = (by_now - others >= quorum) & rows.judged
        usual = by_now >= quorum
        others = np.where(joined | rows.young, by_now, others)
        known |= usual & rows.young
        joined &= ~known
        return {
            "new": ~known,
            "others": others,
            "bits": np.where(known | joined, 0.0, _bits(np.where(rows.young, rows.hosts_now, rows.hosts), others)),
            "joined": joined,
            "others_now": by_now.astype(np.int32),
            "bits_now": np.where(joined | unknown, 0.0, _bits(rows.hosts, by_now)),
            "usual": usual,
        }

    def _others(self, what: str, value: Integers, now: Integers, age: int) -> Integers:
        """How many hosts had met the value of each row that long before its window; the windows rise."""
        found = np.empty(len(value), dtype=np.int64)
        begins = changes(now)
        bounds = pairwise([*begins.tolist(), len(now)])
        for (begin, end), until in zip(bounds, self._by(what, now[begins] - age), strict=True):
            found[begin:end] = until[value[begin:end]]
        return found

    def _by(self, what: str, windows: Integers) -> Iterator[Integers]:
        """How many hosts had met each value by these windows, which rise."""
        start = (self.firsts[what] & (1 << self.bits) - 1).astype(np.int16)
        order = np.argsort(start, kind="stable")
        value, hosts = (self.firsts[what] >> self.bits)[order], self.counts[what][order]
        found = np.zeros(int(value.max(initial=0)) + 1, dtype=np.int64)
        begin = 0
        for end in np.searchsorted(start[order], windows, side="right").tolist():
            np.add.at(found, value[begin:end], hosts[begin:end])
            begin = end
            yield found


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows of pairs: their windows since the origin, whether their hosts have no past, and whether they are judged.

    `hosts` is how many had any contact before the last 24 hours of each row, `hosts_now` how many by its window.
    """

    now: Integers
    young: Flags
    judged: Flags
    hosts: Integers
    hosts_now: Integers


def _bits(hosts: Integers, others: Integers) -> Floats:
    """How rare it is to have met what that many other hosts of so many have."""
    return np.asarray(np.log2((np.maximum(hosts, others) + 1) / (others + 1)))


def _earliest(contacts: Sequence[Integers], bits: int) -> Integers:
    """The numbers, sorted; of those that differ in the last bits only, the smallest. Sorted parts are merged."""
    found = np.concatenate(contacts)
    found.sort(kind="stable")
    return found[changes(found >> bits)]
