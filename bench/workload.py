"""The workload: a network of hosts that talk to recurring services, by slice."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Flags, Floats, Integers

SEED = 20260310
INTERNET = 60_000
STRANGERS = 1_000_000
FAVOURITES = 160
STEADY = 8
ACTIVE = 40
INTERNAL_SHARE = 0.2
STRANGER_SHARE = 0.01
FROM_OUTSIDE_SHARE = 0.02
SERVERS = 100
PORTS = np.array([443, 80, 53, 445, 389, 3389, 123, 22, 8080, 1433, 88, 135, 25, 993, 5060, 5985, 8443, 21])
PORT_WEIGHTS = np.array([40, 8, 14, 6, 4, 1, 5, 1, 3, 2, 3, 2, 1, 3, 1, 1, 3, 1]) / 99
UDP_PORTS = (53, 123, 5060)


@dataclass(frozen=True)
class Pairs:
    """Sources, destinations and service ports, `(n,)` each; addresses are numbers into `Network.addresses`."""

    source: Integers
    destination: Integers
    port: Integers


@dataclass(frozen=True)
class Network:
    """Hosts with favourite services; address numbers cover hosts, then the known internet, then strangers."""

    n_hosts: int

    @cached_property
    def addresses(self) -> pa.Array:
        """The text of every address number."""
        return pc.binary_join_element_wise(*self._octets, ".")

    @cached_property
    def segments(self) -> pa.Array:
        """The segment (/24) of every address number."""
        return pc.binary_join_element_wise(*self._octets[:3], "0/24", ".")

    @cached_property
    def _octets(self) -> list[pa.Array]:
        """The four texts of every address number."""
        host, known, stranger = np.arange(self.n_hosts), np.arange(INTERNET), np.arange(STRANGERS)
        parts = (
            (np.full_like(host, 10), host // 25000, host // 250 % 100, host % 250 + 1),
            (20 + known // 65536, known // 256 % 256, known % 256, known * 7 % 250 + 1),
            (100 + stranger // 65536, stranger // 256 % 256, stranger % 256, stranger * 11 % 250 + 1),
        )
        texts = pa.array([str(number) for number in range(256)])
        return [texts.take(pa.array(np.concatenate(octet))) for octet in zip(*parts, strict=True)]

    @cached_property
    def activity(self) -> Floats:
        """The cumulative share of sessions of the hosts: half uniform, half by Zipf's law."""
        zipf = 1 / np.arange(1, self.n_hosts + 1) ** 0.8
        return np.cumsum(0.5 / self.n_hosts + 0.5 * zipf / zipf.sum())

    @cached_property
    def favourites(self) -> tuple[Integers, Integers]:
        """The favourite peers and their ports, `(n_hosts, FAVOURITES)` each."""
        rng = np.random.default_rng(SEED)
        shape = (self.n_hosts, FAVOURITES)
        popular = np.minimum(rng.pareto(0.6, shape) * 20, INTERNET - 1).astype(np.int64)
        peers = self.n_hosts + np.where(rng.random(shape) < 0.5, popular, rng.integers(0, INTERNET, shape))
        colleagues = rng.integers(0, self.n_hosts, shape)
        peers = np.where(rng.random(shape) < INTERNAL_SHARE, colleagues, peers)
        return peers, rng.choice(PORTS, shape, p=PORT_WEIGHTS)

    def draw(self, rng: np.random.Generator, n: int, slices: Integers | int, *, evenly: bool = False) -> Pairs:
        """The pairs of n sessions in the given slices, drawn `evenly` over hosts and favourites or by activity.

        In each slice, a host uses its steady favourites and some that change slowly.
        """
        if evenly:
            host, rank = rng.integers(0, self.n_hosts, n), rng.integers(0, ACTIVE, n)
        else:
            host = np.minimum(np.searchsorted(self.activity, rng.random(n)), self.n_hosts - 1)
            rank = np.minimum(rng.geometric(0.06, n) - 1, ACTIVE - 1)
        drifting = STEADY + (rank * 3 + host * 13 + np.asarray(slices) * 5) % (FAVOURITES - STEADY)
        slot = np.where(rank < STEADY, rank, drifting)
        peers, ports = self.favourites
        peer, port = peers[host, slot], ports[host, slot]
        chance = rng.random(n)
        stranger = chance < STRANGER_SHARE
        peer[stranger] = self.n_hosts + INTERNET + rng.integers(0, STRANGERS, int(stranger.sum()))
        inward = chance > 1 - FROM_OUTSIDE_SHARE
        servers, visitors = (
            rng.integers(0, min(SERVERS, self.n_hosts), int(inward.sum())),
            self.n_hosts + rng.integers(0, INTERNET, int(inward.sum())),
        )
        host[inward], peer[inward], port[inward] = visitors, servers, 443
        return Pairs(host, peer, port)

    def rows_by_role(self, pairs: Pairs) -> tuple[Integers, Integers, Integers, Flags]:
        """Host, peer, port and whether outbound, for each distinct pair and role of an internal host."""
        code = (pairs.source * len(self.addresses) + pairs.destination) * 65_536 + pairs.port
        _, first = np.unique(code, return_index=True)
        source, destination, port = pairs.source[first], pairs.destination[first], pairs.port[first]
        outbound, inbound = source < self.n_hosts, destination < self.n_hosts
        return (
            np.concatenate([source[outbound], destination[inbound]]),
            np.concatenate([destination[outbound], source[inbound]]),
            np.concatenate([port[outbound], port[inbound]]),
            np.repeat([True, False], [int(outbound.sum()), int(inbound.sum())]),
        )
