"""The office: its segments, servers and hosts, and how people work there."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

import numpy as np

from common.arrays import Floats
from tools.simulate.services import Internet, make_internet

INTERNAL_CIDR = "10.0.0.0/8"
SERVER_SEGMENT, PEOPLE_NETWORK, IOT_NETWORK = 0x0100, 1, 2  # 10.1.0.0/24, 10.1.10.0/24 and up, 10.2.0.0/16
PEOPLE_PER_SEGMENT = 24
OFFICE_SHARE = 0.78  # share of people's machines among the hosts; the rest are devices
SERVERS = {
    "dc1": 10, "dc2": 11, "file": 20, "app": 31, "db": 35, "mail": 40, "proxy": 50, "backup": 60, "monitor": 70,
}  # fmt: skip
DEVICES = ("camera", "printer", "sensor", "camera")
FAVOURITES = 45
_FIRST = ("anna", "ben", "clara", "david", "eva", "felix", "grace", "hugo", "ines", "jan", "kate", "leo", "mia", "noah",
          "olga", "paul", "rosa", "sam", "tina", "uwe", "vera", "will")  # fmt: skip
_LAST = ("adler", "bauer", "conti", "dubois", "evans", "fischer", "garcia", "huber", "ito", "jensen", "klein", "lopez",
         "meyer", "novak", "olsen", "petit")  # fmt: skip
HABITS, LAYOUT, PRESENCE = 11, 12, 13  # random streams


@dataclass(frozen=True, eq=False)
class Habit:
    """How one person works, throughout the scenario."""

    favourites: tuple[int, ...]
    weights: Floats
    level: float  # factor on the number of visits
    arrive_h: float
    leave_h: float
    always_on: bool
    job: str  # clerk, developer, analyst or admin
    agent_period_s: float
    file_peer: int  # a colleague's machine


@dataclass(frozen=True, eq=False)
class Host:
    """One internal machine."""

    name: str
    address: int
    zone: str  # users, servers or iot
    kind: str  # person, camera, printer, sensor or server
    user: str = ""
    habit: Habit | None = None

    @property
    def ip(self) -> str:
        """The address in dotted form."""
        return str(ipaddress.IPv4Address(self.address))


@dataclass(frozen=True)
class Network:
    """All internal machines and the outside world."""

    seed: int
    hosts: tuple[Host, ...]
    servers: dict[str, Host]
    internet: Internet

    @property
    def people(self) -> list[Host]:
        """People's machines."""
        return [host for host in self.hosts if host.kind == "person"]

    @property
    def everything(self) -> list[Host]:
        """Hosts, then servers."""
        return [*self.hosts, *self.servers.values()]

    def server(self, name: str) -> int:
        """The address of a server."""
        return self.servers[name].address


def make_network(seed: int, hosts: int) -> Network:
    """The network of a seed, independent of what is simulated on it."""
    rng = np.random.default_rng([seed, LAYOUT])
    internet = make_internet(seed)
    people = max(4, round(hosts * OFFICE_SHARE))
    tails = rng.permutation(np.arange(20, 250))
    segments = -(-people // PEOPLE_PER_SEGMENT)
    places = [_address(PEOPLE_NETWORK << 8 | 10 + i % segments, int(tails[i // segments])) for i in range(people)]
    rows = [_person(seed, i, places, internet) for i in range(people)]
    for i in range(hosts - people):
        kind = DEVICES[i % len(DEVICES)]
        tail = int(tails[-1 - i % 200])
        rows.append(Host(f"{kind}-{i:03d}", _address(IOT_NETWORK << 8 | i // 200, tail), "iot", kind))
    servers = {name: Host(name, _address(SERVER_SEGMENT, tail), "servers", "server") for name, tail in SERVERS.items()}
    return Network(seed, tuple(rows), servers, internet)


def works(seed: int, number: int, day: int, weekday: int) -> bool:
    """Whether the person works on the day (`weekday` 0 = Monday)."""
    chance = 0.95 if weekday < 5 else 0.09
    return bool(np.random.default_rng([seed, PRESENCE, number, day]).random() < chance)


def _person(seed: int, number: int, places: list[int], internet: Internet) -> Host:
    rng = np.random.default_rng([seed, HABITS, number])
    known = np.flatnonzero(internet.popularity > 0)
    share = internet.popularity[known] / internet.popularity.sum()
    favourites = rng.choice(known, FAVOURITES, replace=False, p=share)
    job = ("clerk", "developer", "clerk", "analyst", "clerk")[number % 5] if number % 23 else "admin"
    arrive = float(np.clip(rng.normal(8.2, 0.7), 6.3, 10.5))
    habit = Habit(
        favourites=tuple(int(f) for f in favourites),
        weights=rng.dirichlet(internet.popularity[favourites] / internet.popularity[favourites].mean() * 1.5),
        level=float(rng.lognormal(0, 0.35)),
        arrive_h=arrive,
        leave_h=arrive + float(np.clip(rng.normal(9.0, 0.7), 7, 11)),
        always_on=bool(rng.random() < 0.55),
        job=job,
        agent_period_s=float(rng.choice([60, 120, 300, 300])),
        file_peer=places[int(rng.integers(len(places)))],
    )
    first, last = _FIRST[number % len(_FIRST)], _LAST[number * 7 // len(_FIRST) % len(_LAST)]
    user = f"corp\\{first}.{last}" + (str(number) if number >= len(_FIRST) * 2 else "")
    return Host(f"pc-{number:03d}", places[number], "users", "person", user, habit)


def _address(segment: int, tail: int) -> int:
    """The address in 10.0.0.0/8 with these middle octets and last octet."""
    return 10 << 24 | segment << 8 | tail
