"""Addresses as numbers, networks, and inside or outside, for many at once."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from common.windows import WINDOW_SECONDS

Codes = NDArray[np.int64]
IPV6_PREFIX = 64


class Numbers:
    """A number for each text, in the order in which they were first met."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._known)

    def of(self, column: pa.ChunkedArray) -> Codes:
        """The numbers of a column of texts."""
        encoded = column.combine_chunks().dictionary_encode() if len(column) else None
        if encoded is None:
            return np.zeros(0, dtype=np.int64)
        known = self._known
        found = np.array([known.setdefault(text, len(known)) for text in encoded.dictionary.to_pylist()], np.int64)
        return np.asarray(found[np.asarray(encoded.indices)], dtype=np.int64)


def slice_numbers(times: pa.ChunkedArray) -> Codes:
    """Windows as numbers that grow by one from each to the next."""
    seconds = times.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy() // 1_000_000
    return np.asarray(seconds // WINDOW_SECONDS, dtype=np.int64)


def places(wanted: Codes, values: Codes) -> tuple[Codes, NDArray[np.bool_]]:
    """Where the values stand among the wanted ones, sorted and at least one, and which of them are there at all."""
    place = np.minimum(np.searchsorted(wanted, values), len(wanted) - 1)
    return place, np.asarray(wanted[place] == values)


def slice_number(moment: datetime) -> int:
    """The number of the window that starts then, or of the last one that starts before."""
    return int(moment.timestamp()) // WINDOW_SECONDS


def networks(addresses: Sequence[str]) -> list[str]:
    """The network of each address: an IPv4 one's first three octets, an IPv6 one's /64."""
    return [_ipv6_network(address) if ":" in address else address.rpartition(".")[0] for address in addresses]


def _ipv6_network(address: str) -> str:
    return str(ipaddress.ip_network((address, IPV6_PREFIX), strict=False))


def internal(addresses: Sequence[str], cidrs: Sequence[str]) -> NDArray[np.bool_]:
    """Whether each address lies in one of the prefixes."""
    found = np.zeros(len(addresses), dtype=bool)
    prefixes = [ipaddress.ip_network(cidr) for cidr in cidrs]
    places = [place for place, address in enumerate(addresses) if ":" not in address]
    numbers = np.array([int.from_bytes(socket.inet_aton(addresses[place])) for place in places], dtype=np.int64)
    for prefix in prefixes:
        if prefix.version == 4:
            first = int(prefix.network_address)
            found[places] |= (numbers >= first) & (numbers < first + prefix.num_addresses)
    ipv6 = [prefix for prefix in prefixes if prefix.version == 6]
    for place, text in enumerate(addresses):
        if ":" in text:
            found[place] = any(ipaddress.ip_address(text) in prefix for prefix in ipv6)
    return found
