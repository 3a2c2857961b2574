"""First contacts: peers, networks and services that are new to a host, and to others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.arrays import Flags, Integers
from common.detection.pairs.contacts import Small, changes, distinct, places
from common.detection.pairs.evidence import NOVELTIES
from common.detection.pairs.pair_keys import PairKeys
from common.detection.parameters import PairParameters

CONTACTS_AT_ONCE = 4_000_000


class FirstContacts:
    """When hosts first met what the pairs of some windows are with: the earliest contact with each key.

    Contacts after the last of these windows are left out. Those that are older than the last 24 hours are so for all
    of the windows, and how much older does not matter.
    """

    def __init__(self, keys: PairKeys, first: int, last: int, parameters: PairParameters) -> None:
        self._keys, self._parameters = keys, parameters
        self._origin, self._last = first - parameters.memory_windows, last
        self._bits = (last - self._origin).bit_length()
        self._found: list[Integers] = []
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

    def novelty(self, pairs: Integers) -> Novelty:
        """What is new about the pairs with these keys, and which of them have hosts that send."""
        found = _earliest(self._found, self._bits)
        start = found & (1 << self._bits) - 1
        host, target, service = self._keys.parts(found >> self._bits)
        of_pairs = self._keys.parts(pairs)
        hosts = int(host.max(initial=0)) + 1
        sends, old = np.zeros(hosts, dtype=bool), np.zeros(hosts, dtype=bool)
        sends[host[~self._keys.inbound(service)]] = True
        old[host[start <= self._last - self._parameters.memory_windows - self._origin]] = True
        met = {}
        for what, values in self._keys.values(*of_pairs[1:]).items():
            wanted = distinct(values)
            place, mine = places(wanted, self._keys.values(target, service)[what])
            contact = (place[mine] * hosts + host[mine]) << self._bits | start[mine]
            met[what] = Met.of(
                _earliest([contact], self._bits), self._bits, hosts, places(wanted, values)[0], of_pairs[0]
            )
        return Novelty(met, int(old.sum()), sends[of_pairs[0]], self._origin, self._parameters)


@dataclass(frozen=True, eq=False)
class Met:
    """First contacts with some values: the value of each pair, when its own host met it, and when all hosts did.

    `by_start` has the value of each host's first contact, in the order of `starts`.
    """

    value: Integers
    own: Integers
    by_start: Integers
    starts: Integers

    @classmethod
    def of(cls, contacts: Integers, bits: int, hosts: int, value: Integers, host: Integers) -> Met:
        """From sorted contacts ((value x hosts + host) << bits | start), and the value and host of each pair."""
        with_host, start = contacts >> bits, contacts & (1 << bits) - 1
        own = start[np.searchsorted(with_host, value * hosts + host)]
        order = np.argsort(start.astype(np.int16), kind="stable")
        return cls(value, own, (with_host // hosts)[order], start[order])

    def counts(self, windows: Integers) -> Iterator[Integers]:
        """How many hosts had met each value by these windows, which rise."""
        found = np.zeros(int(self.value.max(initial=-1)) + 1, dtype=np.int64)
        begin = 0
        for end in np.searchsorted(self.starts, windows, side="right").tolist():
            found += np.bincount(self.by_start[begin:end], minlength=len(found))
            begin = end
            yield found


@dataclass(frozen=True, eq=False)
class Novelty:
    """What is new about some pairs, by their numbers.

    `met` has their first contacts for each of `NOVELTIES`, in windows since number `origin`; `hosts` is how many hosts
    have any contact before the last 24 hours. `sends` says of each pair whether its host began any session within
    30 days.
    """

    met: dict[str, Met]
    hosts: int
    sends: Flags
    origin: int
    parameters: PairParameters

    def columns(self, pair: Integers, window: Integers, judged: Flags) -> dict[str, NDArray[Any]]:
        """Four columns for each of `NOVELTIES`, prefixed with its name, for pairs in windows; the windows rise.

        - `new`: the host had not met it before the last 24 hours, within 30 days;
        - `others`: how many other hosts had;
        - `bits`: 0 where it is not new, else log2((hosts + 1) / (others + 1)) with all hosts that have any history;
        - `joined`: it is new, and a quorum of other hosts first met it in the last 24 hours. These count as others,
          too, and the bits are 0: new software is not an attack. This applies only to `judged` rows.
        """
        return {
            f"{what}_{name}": column
            for what in NOVELTIES
            for name, column in self._columns(self.met[what], pair, window - self.origin, judged).items()
        }

    def _columns(self, met: Met, pair: Integers, now: Integers, judged: Flags) -> dict[str, NDArray[Any]]:
        value, own = met.value[pair], met.own[pair]
        memory = self.parameters.memory_windows  # what is older than the last 24 hours is known
        known = own <= now - memory
        others, by_now = np.empty(len(pair), dtype=np.int64), np.empty(len(pair), dtype=np.int64)
        begins = changes(now)
        each = zip(met.counts(now[begins] - memory), met.counts(now[begins]), strict=True)
        bounds = pairwise([*begins.tolist(), len(now)])
        for (begin, end), (before, until) in zip(bounds, each, strict=True):
            rows = slice(begin, end)
            others[rows], by_now[rows] = before[value[rows]], until[value[rows]]
        others -= known
        by_now -= own <= now
        joined = (by_now - others >= self.parameters.quorum(self.hosts)) & judged
        others = np.where(joined, by_now, others)
        bits = np.log2((np.maximum(self.hosts, others) + 1) / (others + 1))
        bits = np.where(known | joined, 0.0, bits)
        return {"new": ~known, "others": others, "bits": bits, "joined": joined & ~known}


def _earliest(contacts: Sequence[Integers], bits: int) -> Integers:
    """The numbers, sorted; of those that differ in the last bits only, the smallest."""
    found = np.sort(np.concatenate(contacts))
    return found[changes(found >> bits)]
