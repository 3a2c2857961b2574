"""The days on which hosts had sessions with peers and ports before the slices of a run: the rows of `pair_days`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from common.arrays import Integers
from common.coded import positions
from common.pair_keys import PORT_BITS, Layout, distinct, first_of_each, of_owners
from jobs.fg_a.rows import integers, owned
from jobs.fg_a.timeline import DAY_MICROS, ROLES, Timeline

CODED = ("host_ip", "role", "peer_ip")
COLUMNS = (*CODED, "peer_port", "first_slice_ts")


@dataclass(frozen=True)
class Days:
    """The days of keys, `(n_keys,)` each, the keys sorted: bit i stands for the day `lookback_days` - i days before
    the date of the first slice.
    """

    keys: Integers
    days: Integers

    @classmethod
    def of(cls, dated: Integers, low_bits: int) -> Days:
        """The days of keys that have one each in their lowest bits, sorted."""
        days = np.left_shift(1, dated & ((1 << low_bits) - 1))
        return cls(dated >> low_bits, days).coarser(0)

    def coarser(self, bits: int) -> Days:
        """The days of the keys without so many of their lowest bits."""
        keys = self.keys >> bits
        heads = first_of_each(keys)
        return Days(keys[heads], np.bitwise_or.reduceat(self.days, heads) if len(heads) else self.days)

    def at(self, keys: Integers) -> Integers:
        """The days of these sorted keys, 0 for unknown ones."""
        if not len(self.keys):
            return np.zeros(len(keys), dtype=np.int64)
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[place] == keys, self.days[place], 0)


@dataclass(frozen=True)
class Past:
    """The days of each owner's services (peer and port), of known peers, and of its ports, with all peers."""

    services: Days
    ports: Days

    @property
    def peers(self) -> Days:
        """The days of each owner's peers."""
        return self.services.coarser(PORT_BITS)

    def of_hosts(self, n_hosts: int) -> Integers:
        """The days of each host."""
        found = np.zeros(n_hosts, dtype=np.int64)
        np.bitwise_or.at(found, (self.ports.keys >> PORT_BITS) // len(ROLES), self.ports.days)
        return found


@dataclass(frozen=True)
class PastPieces:
    """The past of hosts in pieces, as they were read: the keys of services, and of ports, each with a day."""

    layout: Layout
    services: Sequence[Integers]
    ports: Sequence[Integers]

    def between(self, first: int, last: int) -> Past:
        """That of the hosts from the first on and before the last, who count from 0 then."""
        low, owners = self.layout.low_bits, (first * len(ROLES), last * len(ROLES))
        found = []
        for pieces, bits in ((self.services, self.layout.owner_bits), (self.ports, PORT_BITS + low)):
            keys = [of_owners(piece, bits, *owners)[0] for piece in pieces]
            found.append(Days.of(distinct(np.concatenate([np.zeros(0, dtype=np.int64), *keys])), low))
        return Past(*found)


def past_pieces(
    days: Iterable[pa.Table], hosts: pa.Array, peers: pa.Array, timeline: Timeline, layout: Layout
) -> PastPieces:
    """The past of these hosts before the first slice; `days` are parts of `pair_days`, each held by itself."""
    services, ports = list[Integers](), list[Integers]()
    for rows in days:
        rows, owner = owned(rows, hosts)
        first = integers(rows, "first_slice_ts")
        before = first < timeline.origin
        day = first // DAY_MICROS - timeline.first_day
        port, peer = integers(rows, "peer_port"), positions(rows["peer_ip"], peers)
        ports.append(distinct(layout.by_port(owner, port, day)[before]))
        services.append(distinct(layout.keys(owner, peer, port, day)[before & (peer >= 0)]))
    return PastPieces(layout, services, ports)
