"""Internal addresses, which may have the name of a network, and segments."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

IPV4_SEGMENT_BITS = 24
IPV6_SEGMENT_BITS = 64

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

NETWORK_SIGN = "@"
"""Stands between an internal address and the name of its network, where a project has networks: `10.1.4.20@berlin`."""


def are_internal(addresses: pa.Array, cidrs: Sequence[str]) -> NDArray[np.bool_]:
    """Whether each address (canonical text, perhaps with a network) lies in one of the prefixes."""
    networks = [ipaddress.ip_network(cidr) for cidr in cidrs]
    is_ipv4, numbers = _ipv4(addresses)
    found = np.zeros(len(addresses), dtype=bool)
    found[is_ipv4] = reduce(
        or_, (_lie_in(numbers, network) for network in networks), np.zeros(len(numbers), dtype=bool)
    )
    for place in np.flatnonzero(~is_ipv4):
        parsed = ipaddress.ip_address(addresses[place].as_py().partition(NETWORK_SIGN)[0])
        found[place] = any(parsed in network for network in networks)
    return found


def _ipv4(addresses: pa.Array) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which addresses, perhaps with a network, are of IPv4, and the 32 bits of each of these."""
    texts = pc.replace_substring_regex(addresses, f"{NETWORK_SIGN}.*", "")
    is_ipv4 = ~np.asarray(pc.match_substring(texts, ":"))
    packed = map(socket.inet_aton, texts.filter(pa.array(is_ipv4)).to_pylist())
    return is_ipv4, np.frombuffer(b"".join(packed), ">u4").astype(np.int64)


def _lie_in(numbers: NDArray[np.int64], network: Network) -> NDArray[np.bool_]:
    """Which addresses of IPv4 lie in the network."""
    if network.version == 6:
        return np.zeros(len(numbers), dtype=bool)
    first = int(network.network_address)
    return (numbers >= first) & (numbers < first + network.num_addresses)


class Segments:
    """Maps an address to its segment: the name of its longest configured prefix, else its /24 or /64.

    The /24 or /64 of a host in a network has the name of the network, too: `10.1.4.0/24@berlin`.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        networks = {ipaddress.ip_network(prefix): name for prefix, name in names.items()}
        self._ordered = sorted(networks.items(), key=lambda entry: -entry[0].prefixlen)

    def name(self, address: str) -> str:
        """The segment of one address."""
        address, sign, network_name = address.partition(NETWORK_SIGN)
        parsed = ipaddress.ip_address(address)
        for network, name in self._ordered:
            if parsed in network:
                return name
        bits = IPV4_SEGMENT_BITS if parsed.version == 4 else IPV6_SEGMENT_BITS
        return f"{ipaddress.ip_network((parsed, bits), strict=False)}{sign}{network_name}"

    def names(self, addresses: pa.Array) -> pa.Array:
        """The segment of each address, in order."""
        is_ipv4, numbers = _ipv4(addresses)
        rows, named = np.flatnonzero(is_ipv4), np.full(len(addresses), -1)
        for place, (network, _) in reversed([*enumerate(self._ordered)]):
            named[rows[_lie_in(numbers, network)]] = place
        names = pa.array([name for _, name in self._ordered], pa.string())
        ipv4 = pc.replace_substring_regex(addresses, f"[.][0-9]+({NETWORK_SIGN}.*)?$", rf".0/{IPV4_SEGMENT_BITS}\1")
        ipv6 = pa.array(
            [self.name(address) for address in addresses.filter(pa.array(~is_ipv4)).to_pylist()], pa.string()
        )
        found = pc.coalesce(names.take(pa.array(named, mask=named < 0)), ipv4)
        return pc.replace_with_mask(found, pa.array(~is_ipv4), ipv6)


def plain_address(host: str) -> str:
    """The address of a host, as logs have it: without the name of its network."""
    return host.partition(NETWORK_SIGN)[0]
