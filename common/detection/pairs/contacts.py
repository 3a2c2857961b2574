"""Who met whom in which window, as numbers."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from common.address_codes import address_codes
from common.addresses import NETWORK_SIGN
from common.arrays import Flags, Integers
from common.detection.pairs.group_codes import SERVICE_BITS
from common.detection.pairs.words import word_codes
from common.windows import WINDOW_SECONDS

IPV4_HOST_BITS = 8
LATE = 1 << 62
"""Later than any window."""
Small = NDArray[np.int32]
OwnersOf = Callable[[pa.StringArray, Integers], Integers]
"""The number of the owner of each address's network, from addresses and the codes of their networks; 0 for none."""


@dataclass(frozen=True, eq=False)
class Contacts:
    """Rows of a table: number of the host, place of the peer in `peers`, service, and window that they began in.

    A service is 2 x port + role (1 for inbound). `peers` are the codes of the peers' addresses, `networks` those of the
    networks that these lie in, `owners` the numbers of these networks' owners. `words` are the codes of what the rows'
    logs say, as `word_codes` gives them.
    """

    host: Small
    peer: Small
    service: Small
    start: Small
    peers: Integers
    networks: Integers
    owners: Integers
    words: Mapping[str, Integers]

    def part(self, rows: NDArray[Any]) -> Contacts:
        """Those rows, by number or as a mask."""
        return Contacts(
            self.host[rows],
            self.peer[rows],
            self.service[rows],
            self.start[rows],
            self.peers,
            self.networks,
            self.owners,
            {name: codes[rows] for name, codes in self.words.items()},
        )

    def without_hosts(self) -> Contacts:
        """Each peer and service once, as met by host 0 in the last of the windows; and, apart, each word once."""
        found = distinct(self.peer.astype(np.int64) << SERVICE_BITS | self.service)
        peer, service = (found >> SERVICE_BITS).astype(np.int32), (found & (1 << SERVICE_BITS) - 1).astype(np.int32)
        last = np.full(len(found), self.start.max(initial=0), dtype=np.int32)
        host, words = np.zeros(len(found), dtype=np.int32), {name: distinct(each) for name, each in self.words.items()}
        return Contacts(host, peer, service, last, self.peers, self.networks, self.owners, words)


class Numbering:
    """Makes contacts of rows; a host has the same number in all of them."""

    def __init__(self, ipv6_network_bits: int, owners: OwnersOf | None = None) -> None:
        self._ipv6_bits = ipv6_network_bits
        self._owners = owners or _nobody
        self._codes = np.zeros(0, dtype=np.int64)
        self._numbers = np.zeros(0, dtype=np.int32)

    def contacts(self, table: pa.Table, start: Integers) -> Contacts:
        """The contacts of a table's rows, from `host_ip`, `role`, `peer_ip`, `peer_port` and `WORDS`."""
        host = of_texts(table["host_ip"], self._hosts)
        inbound = of_texts(table["role"], lambda texts: np.asarray(pc.equal(texts, "inbound"), dtype=np.int32))
        peers, of_networks, of_owners = ([np.zeros(0, dtype=np.int64)] for _ in range(3))

        def counted(texts: pa.Array) -> Small:
            known = sum(map(len, peers))
            peers.append(address_codes(texts))
            of_networks.append(network_codes(texts, peers[-1], self._ipv6_bits))
            of_owners.append(self._owners(texts, of_networks[-1]))
            return np.arange(known, known + len(texts), dtype=np.int32)

        peer = of_texts(table["peer_ip"], counted)
        service = table["peer_port"].to_numpy().astype(np.int32) * 2 + inbound
        addresses, networks_of, owners = map(np.concatenate, (peers, of_networks, of_owners))
        words = word_codes(table, service)
        return Contacts(host, peer, service, start.astype(np.int32), addresses, networks_of, owners, words)

    def _hosts(self, texts: pa.Array) -> Small:
        """The numbers of hosts, which those met for the first time get here."""
        codes = address_codes(texts)
        place, known = places(self._codes, codes)
        if not known.all():
            fresh = distinct(codes[~known])
            where = np.searchsorted(self._codes, fresh)
            numbers = np.arange(len(self._codes), len(self._codes) + len(fresh), dtype=np.int32)
            self._codes, self._numbers = np.insert(self._codes, where, fresh), np.insert(self._numbers, where, numbers)
            place, _ = places(self._codes, codes)
        return self._numbers[place]


def _nobody(addresses: pa.StringArray, codes: Integers) -> Integers:
    return np.zeros(len(codes), dtype=np.int64)


def of_texts(column: pa.ChunkedArray, work: Callable[[pa.Array], NDArray[Any]]) -> NDArray[Any]:
    """What the work makes of each row's text; it is given every dictionary of the column once."""
    made: dict[int, NDArray[Any]] = {}  # batches of a file share its dictionary
    encoded = [chunk if pa.types.is_dictionary(chunk.type) else chunk.dictionary_encode() for chunk in column.chunks]
    found = []
    for chunk in encoded:
        texts = chunk.dictionary
        place = texts.buffers()[-1].address + texts.offset if len(texts) else 0
        if place not in made:
            made[place] = work(texts)
        found.append(made[place].take(np.asarray(chunk.indices)))
    return np.concatenate(found) if found else work(pa.array([], pa.string()))


def network_codes(texts: pa.StringArray, codes: Integers, ipv6_bits: int) -> Integers:
    """The code of the network of each address, from its text and its code."""
    found = codes >> IPV4_HOST_BITS
    if (other := codes < 0).any():  # IPv6, or in a network of the project
        found[other] = codes_of_networks(networks(texts.filter(pa.array(other)), ipv6_bits))
    return found


def codes_of_networks(names: pa.Array) -> Integers:
    """The codes of networks as `networks` names them."""
    texts = [name if ":" in name else f"{name}.0" for name in names.to_pylist()]
    codes = address_codes(pa.array(texts, pa.string()))
    return np.where(codes < 0, codes, codes >> IPV4_HOST_BITS)


def networks(addresses: pa.Array, ipv6_bits: int) -> pa.Array:
    """The network of each address: the first three octets of IPv4, a prefix of `ipv6_bits` bits of IPv6."""
    hosts = pc.replace_substring_regex(addresses, f"{NETWORK_SIGN}.*", "")
    is_ipv6 = pc.match_substring(hosts, ":")
    prefixes = (ipaddress.ip_network((text, ipv6_bits), strict=False) for text in hosts.filter(is_ipv6).to_pylist())
    of_ipv4 = pc.replace_substring_regex(hosts, "[.][^.]*$", "")
    return pc.replace_with_mask(of_ipv4, is_ipv6, pa.array(map(str, prefixes), pa.string()))


def window_numbers(times: pa.ChunkedArray) -> Integers:
    """Windows as consecutive numbers."""
    return seconds(times) // WINDOW_SECONDS


def seconds(times: pa.ChunkedArray) -> Integers:
    """Times as whole seconds since 1970."""
    return np.asarray(times.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy() // 1_000_000)


def distinct(values: Integers) -> Integers:
    """The values, sorted, each once; far faster than NumPy's own where most values are different."""
    values = np.sort(values)
    return values[changes(values)]


def changes(values: Integers | Small) -> Integers:
    """The places of the values that differ from the one before; the first is one of them."""
    found = np.ones(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=found[1:])
    return np.flatnonzero(found)


def places(wanted: Integers, values: Integers) -> tuple[Integers, Flags]:
    """The position of each value among the wanted ones, which are sorted, and whether it is among them."""
    if not len(wanted):
        return np.zeros(len(values), dtype=np.int64), np.zeros(len(values), dtype=bool)
    place = np.minimum(np.searchsorted(wanted, values), len(wanted) - 1)
    return place, np.asarray(wanted[place] == values)


class Finder:
    """Finds values among sorted ones by their hashes, which takes a tenth of the time of a search in no order."""

    FACTOR = np.uint64(0x9E3779B97F4A7C15)  # 2**64 by the golden ratio

    def __init__(self, wanted: Integers) -> None:
        self._wanted = wanted
        self._shift = np.uint64(64 - max(4 * len(wanted), 2).bit_length())
        slot, place = self._slots(wanted), np.arange(len(wanted), dtype=np.int32)
        self._places = np.zeros(1 << 64 - int(self._shift), dtype=np.int32)
        self._places[slot] = place
        self._shared = np.zeros(len(self._places), dtype=bool)
        self._shared[slot[self._places[slot] != place]] = True

    def places(self, values: Integers) -> tuple[Integers, Flags]:
        """As the function: the position of each value, and whether it is there."""
        if not len(self._wanted):
            return places(self._wanted, values)
        slot = self._slots(values)
        place = self._places.take(slot).astype(np.int64)
        known = self._wanted.take(place) == values
        again = np.flatnonzero(self._shared.take(slot) & ~known)
        place[again], known[again] = places(self._wanted, values[again])
        return place, known

    def _slots(self, values: Integers) -> Integers:
        return ((values.view(np.uint64) * self.FACTOR) >> self._shift).view(np.int64)
