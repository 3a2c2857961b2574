"""Keys of pairs: owner, peer, port and what is counted apart, in one integer; and rows grouped by keys.

An owner is a host in a role, host number x 2 + role number, or the source of a session.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from common.arrays import Integers

KEY_BITS = 63
PORT_BITS = 16
PEER_BITS = 26
MOST_PEERS = 1 << PEER_BITS


@dataclass(frozen=True)
class Layout:
    """The places in a key, from the highest: owner, peer (or segment), port, and `low_bits` for a bucket or a day."""

    low_bits: int

    @classmethod
    def up_to(cls, low: int) -> Layout:
        """The layout with room for lowest parts up to this number."""
        return cls(low.bit_length())

    @property
    def most_owners(self) -> int:
        """How many owners fit."""
        return 1 << (KEY_BITS - PEER_BITS - PORT_BITS - self.low_bits)

    @property
    def most_hosts(self) -> int:
        """How many hosts a part is planned with, which may become somewhat more."""
        return self.most_owners // 4

    def keys(self, owner: Integers, peer: Integers, port: Integers | int, low: Integers) -> Integers:
        """The keys of rows; they sort by owner, then by peer, port and the rest.

        Raises:
            OverflowError: there are too many owners or peers.
        """
        if owner.max(initial=0) >= self.most_owners or peer.max(initial=0) >= MOST_PEERS:
            raise OverflowError(f"keys hold {self.most_owners} owners and {MOST_PEERS} peers")
        found = owner << PEER_BITS
        found |= peer
        found <<= PORT_BITS
        found |= port
        found <<= self.low_bits
        found |= low
        return found

    def by_port(self, owner: Integers, port: Integers, low: Integers) -> Integers:
        """Keys without a peer."""
        return (owner << PORT_BITS | port) << self.low_bits | low

    @property
    def owner_bits(self) -> int:
        """How many bits are below the owner."""
        return PEER_BITS + PORT_BITS + self.low_bits

    def owner(self, keys: Integers) -> Integers:
        """The owners of keys."""
        return keys >> self.owner_bits

    def owner_and_peer(self, keys: Integers) -> Integers:
        """Owner and peer of keys, in one integer."""
        return keys >> (PORT_BITS + self.low_bits)

    def peer(self, keys: Integers) -> Integers:
        """The peers of keys."""
        return self.owner_and_peer(keys) & (MOST_PEERS - 1)

    def port(self, keys: Integers) -> Integers:
        """The ports of keys."""
        return keys >> self.low_bits & ((1 << PORT_BITS) - 1)

    def low(self, keys: Integers) -> Integers:
        """The lowest part of keys."""
        return keys & ((1 << self.low_bits) - 1)


def of_owners(keys: Integers, owner_bits: int, first: int, last: int, *values: Integers) -> tuple[Integers, ...]:
    """The sorted keys of the owners from the first on and before the last, who count from 0 then, and their values."""
    begin, end = np.searchsorted(keys, (first << owner_bits, last << owner_bits))
    return keys[begin:end] - (first << owner_bits), *(column[begin:end] for column in values)


def first_of_each(ordered: Integers) -> Integers:
    """The places at which another key begins in sorted keys."""
    begins = np.ones(len(ordered), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=begins[1:])
    return np.flatnonzero(begins)


def distinct(keys: Integers) -> Integers:
    """The distinct keys, sorted; by sorting, which is several times as fast as the hashes of `np.unique`.

    Keys that are parts one after the other, each sorted, are merged, which takes a tenth of the time.
    """
    ordered = np.sort(keys, kind="stable")
    return ordered[first_of_each(ordered)]


def grouped(keys: Integers, *values: Integers) -> tuple[Integers, ...]:
    """The distinct keys, sorted, and the sum of each of the values for each key; sorted parts are merged."""
    return _grouped(keys, values)


def together(parts: Sequence[tuple[Integers, ...]]) -> tuple[Integers, ...]:
    """The groups of all parts, each of which is what `grouped` returns."""
    if len(parts) == 1:
        return parts[0]
    keys, *values = zip(*parts, strict=True)
    return _grouped(np.concatenate(keys), map(np.concatenate, values))


def _grouped(keys: Integers, values: Iterable[Integers]) -> tuple[Integers, ...]:
    """As `grouped`; each of the values is made when its turn comes, so that one of them is in memory."""
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    heads = first_of_each(keys)
    return keys[heads], *(np.add.reduceat(column[order], heads) for column in values)
