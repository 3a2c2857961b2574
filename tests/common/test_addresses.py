"""Which addresses are internal, and which segment each belongs to."""

from __future__ import annotations

import ipaddress

import pyarrow as pa
import pytest

from common.addresses import NETWORK_SIGN, Segments, are_internal

ADDRESSES = [
    "10.0.0.1", "10.255.255.255", "11.0.0.1", "100.10.0.1", "172.15.255.255", "172.16.0.0", "172.31.255.255",
    "172.32.0.0", "192.168.7.0", "192.168.7.127", "192.168.7.128", "::1", "fd00::1", "fd12:3456::1", "fe80::1",
    "2001:db8::1", "2001:db9::1", "203.0.113.9",
]  # fmt: skip


@pytest.mark.parametrize(
    "cidrs",
    [
        (), ("10.0.0.0/8",), ("172.16.0.0/12",), ("192.168.7.0/25",), ("203.0.113.9/32",), ("0.0.0.0/0",),
        ("fd00::/8",), ("fe80::/10",), ("2001:db8::/32",), ("::/0",), ("::1/128",),
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.7.128/25", "fd00::/8", "2001:db8::/32"),
    ],
)  # fmt: skip
def test_internal_is_what_lies_in_a_prefix(cidrs: tuple[str, ...]) -> None:
    networks = [ipaddress.ip_network(cidr) for cidr in cidrs]
    expected = [text for text in ADDRESSES if any(ipaddress.ip_address(text) in each for each in networks)]
    for suffix in ("", f"{NETWORK_SIGN}berlin"):
        inside = are_internal(pa.array([text + suffix for text in ADDRESSES]), cidrs)
        assert [text for text, chosen in zip(ADDRESSES, inside, strict=True) if chosen] == expected


@pytest.mark.parametrize(
    ("address", "segment"),
    [
        ("10.1.2.3", "10.1.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("10.9.0.1", "servers"),
        ("10.9.8.7", "vault"),  # the longer prefix, though it is named later
        ("fd00:9::1", "servers-v6"),
    ],
)
def test_a_segment_is_the_longest_named_prefix_or_the_network(address: str, segment: str) -> None:
    segments = Segments({"10.9.0.0/16": "servers", "10.9.8.0/24": "vault", "fd00:9::/32": "servers-v6"})
    assert segments.name(address) == segment
    assert segments.names(pa.array([address])).to_pylist() == [segment]


def test_segments_of_many_addresses_keep_their_order() -> None:
    addresses = pa.array(["10.0.1.1", "fd00:1::5", "10.0.0.9", "10.0.1.1", "10.0.1.7@berlin", "fd00:1::5@paris"])
    wanted = [
        "10.0.1.0/24", "fd00:1::/64", "10.0.0.0/24", "10.0.1.0/24", "10.0.1.0/24@berlin", "fd00:1::/64@paris"
    ]  # fmt: skip
    assert Segments({}).names(addresses).to_pylist() == wanted
    named = Segments({"10.0.0.0/16": "campus", "10.0.1.0/24": "labs", "fd00::/16": "old"})
    assert named.names(addresses).to_pylist() == ["labs", "old", "campus", "labs", "labs", "old"]
