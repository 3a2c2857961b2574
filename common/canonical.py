"""IP addresses as the tables have them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network


def address_text(address: IPv4Address | IPv6Address) -> str:
    """The address as text: IPv6 compressed and in lower case, IPv4-mapped IPv6 (`::ffff:192.0.2.1`) as IPv4."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def network_text(text: str) -> str:
    """An address, or a network with its length, as text; a network of one address is that address.

    Raises:
        ValueError: it is neither.
    """
    network = ip_network(text, strict=False)
    return str(network) if network.num_addresses > 1 else address_text(network.network_address)
