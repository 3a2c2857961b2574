"""Zone, user and country of addresses; addresses and times as text."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Integers
from tools.simulate.network import IOT_NETWORK, SERVER_SEGMENT, Network
from tools.simulate.plans import DAY_SECONDS, Addresses

ZONES = ("untrust", "users", "servers", "iot")
PRIVATE_RANGE = "10.0.0.0-10.255.255.255"
COUNTRIES = ("United States", "United States", "United States", "Germany", "Ireland", "Netherlands", "United Kingdom",
             "France", "Japan", "Singapore", "Canada", "Sweden")  # fmt: skip
_CLOCK = pa.array([f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in range(DAY_SECONDS)], pa.large_string())
_MILLIS = pa.array([f".{n:03d}+00:00" for n in range(1000)], pa.large_string())


@dataclass(frozen=True)
class Firewall:
    """The firewall that writes the logs.

    Attributes:
        version: PAN-OS release.
        users: logged-in user by address.
        egress: public address behind which the office reaches the internet.
    """

    version: str
    users: dict[int, str]
    egress: str

    def users_of(self, addresses: Addresses) -> pa.Array:
        """The user of each address; empty if nobody is logged in."""
        return _by_address(addresses, lambda address: self.users.get(address, ""))


def make_firewall(network: Network, version: str) -> Firewall:
    """The firewall of the network."""
    egress = str(ipaddress.IPv4Address(int(network.internet.vendor[15])))
    return Firewall(version, {host.address: host.user for host in network.people}, egress)


def countries_of(addresses: Addresses) -> pa.Array:
    """The country of each address, or its private range."""
    return _by_address(
        addresses,
        lambda address: PRIVATE_RANGE if address >> 24 == 10 else COUNTRIES[(address >> 20) % len(COUNTRIES)],
    )


def zone_of(addresses: Addresses) -> Integers:
    """The zone of each address, as a position in `ZONES`."""
    inside, network = addresses >> 24 == 10, addresses >> 16 & 0xFF
    zone = np.select([~inside, network == IOT_NETWORK, (addresses >> 8 & 0xFFFF) == SERVER_SEGMENT], [0, 3, 2], 1)
    return np.asarray(zone, dtype=np.int64)


def dotted(addresses: Addresses) -> pa.Array:
    """Addresses as text."""
    return _by_address(addresses, lambda address: str(ipaddress.IPv4Address(address)))


def stamps(seconds: Integers) -> pa.Array:
    """Times as `2026/03/10 13:08:11`."""
    return _timed(seconds, "%Y/%m/%d ")


def high_resolution(seconds: Integers) -> pa.Array:
    """Times as `2026-03-10T13:08:11.123+00:00`; the fraction is derived from the position."""
    millis = (np.arange(len(seconds)) * 389 + seconds * 17) % 1000
    return pc.binary_join_element_wise(
        _timed(seconds, "%Y-%m-%dT"), _MILLIS.take(pa.array(millis)), pa.scalar("", pa.large_string())
    )


def _timed(seconds: Integers, pattern: str) -> pa.Array:
    days, day = np.unique(seconds // DAY_SECONDS, return_inverse=True)
    names = pa.array(
        [datetime.fromtimestamp(int(d) * DAY_SECONDS, UTC).strftime(pattern) for d in days], pa.large_string()
    )
    return pc.binary_join_element_wise(
        names.take(pa.array(day)), _CLOCK.take(pa.array(seconds % DAY_SECONDS)), pa.scalar("", pa.large_string())
    )


def _by_address(addresses: Addresses, name: Callable[[int], str]) -> pa.Array:
    known, place = np.unique(addresses, return_inverse=True)
    return pa.array([name(int(address)) for address in known], pa.large_string()).take(pa.array(place))
