import ipaddress
import random

import pyarrow as pa
import pytest

from common.address_sets import AddressSet

VALUES = [
    "203.0.113.9", "203.0.113.0/24", "203.0.112.0/22", "203.0.113.9", "0.0.0.0/0", "198.51.100.255",
    "2001:db8::1", "2001:db8::/32", "255.255.255.255", "1.0.0.0",
]  # fmt: skip
ADDRESSES = [
    "203.0.113.9", "203.0.113.10", "203.0.115.255", "203.0.116.0", "198.51.100.255", "2001:db8::1", "2001:db8:1::",
    "2001:db9::", "255.255.255.255", "0.0.0.0", "1.0.0.0", "203.0.113.9@berlin",
]  # fmt: skip


def by_hand(addresses: list[str], values: list[str]) -> set[tuple[int, int]]:
    networks = [ipaddress.ip_network(value) for value in values]
    plain = [ipaddress.ip_address(address.partition("@")[0]) for address in addresses]
    return {(row, place) for row, one in enumerate(plain) for place, net in enumerate(networks) if one in net}


def found(addresses: list[str], values: list[str]) -> list[tuple[int, int]]:
    of_address, of_network = AddressSet(pa.array(values, pa.string())).holding(pa.array(addresses, pa.string()))
    return [*zip(of_address.tolist(), of_network.tolist(), strict=True)]


def test_every_network_that_holds_an_address_is_found_in_order() -> None:
    pairs = found(ADDRESSES, VALUES)
    assert pairs == sorted(by_hand(ADDRESSES, VALUES))
    assert (0, 0) in pairs and (0, 3) in pairs and (11, 1) in pairs


@pytest.mark.parametrize("seed", range(5))
def test_it_agrees_with_the_library(seed: int) -> None:
    draw = random.Random(seed)
    numbers = [draw.getrandbits(10) << 22 | draw.getrandbits(6) for _ in range(300)]
    values = [str(ipaddress.ip_network((number, draw.choice((8, 20, 26, 30, 32))), strict=False)) for number in numbers]
    values = [value.removesuffix("/32") for value in values]
    addresses = [str(ipaddress.ip_address(draw.choice(numbers) ^ draw.getrandbits(3))) for _ in range(300)]
    assert found(addresses, values) == sorted(by_hand(addresses, values))


@pytest.mark.parametrize(("addresses", "values"), [([], VALUES), (ADDRESSES, []), ([], [])])
def test_nothing_holds_nothing(addresses: list[str], values: list[str]) -> None:
    assert found(addresses, values) == []
