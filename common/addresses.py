"""Internal addresses, which may have the name of a network, and segments."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from pyspark.sql import Column

IPV4_SEGMENT_BITS = 24
IPV6_SEGMENT_BITS = 64

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

NETWORK_SIGN = "@"
"""Stands between an internal address and the name of its network, where a project has networks: `10.1.4.20@berlin`."""


def is_internal(address: Column, cidrs: Sequence[str]) -> Column:
    """Whether the address (canonical text, perhaps with a network) lies in one of the prefixes."""
    from pyspark.sql import functions as F  # the image that serves models has no pyspark

    prefixes: set[str] = set()
    whole: set[str] = set()
    rest: list[str] = []
    for cidr in cidrs:
        network = ipaddress.ip_network(cidr)
        if isinstance(network, ipaddress.IPv6Network):
            texts = _ipv6_prefixes(network)
            prefixes.update(texts)
            rest += [] if texts else [cidr]
        elif network.prefixlen > IPV4_SEGMENT_BITS:
            whole.update(map(str, network))
        else:
            prefixes.update(_ipv4_prefixes(network))
    conditions = []
    if prefixes:
        pattern = "|".join(sorted(prefix.replace(".", "[.]") for prefix in prefixes))
        conditions.append(address.rlike(f"^({pattern})"))
    if whole:
        any_of = "|".join(sorted(text.replace(".", "[.]") for text in whole))
        conditions.append(address.rlike(f"^({any_of})({NETWORK_SIGN}|$)"))
    if rest:
        conditions.append(_membership(address, rest))
    return reduce(or_, conditions) if conditions else F.lit(False)


def _ipv4_prefixes(network: ipaddress.IPv4Network) -> list[str]:
    whole_octets = -(-network.prefixlen // 8)
    if whole_octets == 0:
        return ["[0-9]+."]
    subnets = network.subnets(new_prefix=whole_octets * 8)
    return [".".join(str(subnet.network_address).split(".")[:whole_octets]) + "." for subnet in subnets]


def _ipv6_prefixes(network: ipaddress.IPv6Network) -> list[str]:
    """The leading hex digits of the network's members in canonical text; empty if zero compression may hide them."""
    digits = f"{int(network.network_address):032x}"
    if network.prefixlen > 16 or network.prefixlen == 0 or digits[0] == "0":
        return []
    nibbles = -(-network.prefixlen // 4)
    first = int(digits[:nibbles], 16)
    return [f"{first + step:0{nibbles}x}" for step in range(1 << (nibbles * 4 - network.prefixlen))]


def _membership(address: Column, cidrs: Sequence[str]) -> Column:
    from pyspark.sql import functions as F

    networks = [ipaddress.ip_network(cidr) for cidr in cidrs]

    def lies_inside(text: str) -> bool:
        parsed = ipaddress.ip_address(text.partition(NETWORK_SIGN)[0])
        return any(parsed in network for network in networks)

    inside: Column = F.udf(lies_inside, "boolean")(address)
    return inside


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
        """The segment of each address, in order; each distinct address is looked up once."""
        encoded = pc.dictionary_encode(addresses)
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.combine_chunks()
        distinct = [self._fast_name(address) for address in encoded.dictionary.to_pylist()]
        return pa.array(distinct, pa.string()).take(encoded.indices)

    def _fast_name(self, address: str) -> str:
        if self._ordered or ":" in address or NETWORK_SIGN in address:
            return self.name(address)
        return address.rpartition(".")[0] + ".0/24"


def plain_address(host: str) -> str:
    """The address of a host, as logs have it: without the name of its network."""
    return host.partition(NETWORK_SIGN)[0]
