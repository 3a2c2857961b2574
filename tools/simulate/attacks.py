"""Labelled attacks of one day, from hosts that keep working."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.simulate.network import Host, Network, works
from tools.simulate.plans import HOUR, Records, plan, ticks
from tools.simulate.services import public_addresses
from tools.simulate.sessions import DENIED, LOST, REFUSED, SERVED

ATTACKS = ("beacon_https", "port_scan", "brute_force", "exfiltration", "lateral_movement", "dns_tunnel")
HORIZONTAL_PORTS = np.array([22, 80, 443, 445, 3389])
ATTACK_STREAM = 41


@dataclass(frozen=True)
class Incident:
    """One attack of one host."""

    attack: str
    host: Host
    note: str
    plans: Records


def attack_day(net: Network, day: int, weekday: int) -> list[Incident]:
    """The incidents of a day: two beacons, two scans, three brute-force attacks, two exfiltrations, one of the rest."""
    rng = np.random.default_rng([net.seed, ATTACK_STREAM, day])
    people = [(h, h.habit, works(net.seed, i, day, weekday)) for i, h in enumerate(net.people)]
    ordinary = [(h, habit, here) for h, habit, here in people if habit and habit.job != "admin"]
    at_work = [h for h, _, here in ordinary if here] or net.people
    at_any_hour = [h for h, habit, _ in ordinary if habit.always_on] or net.people
    things = [h for h in net.hosts if h.zone == "iot"] or net.people
    picked: list[Host] = []

    def pick(pool: list[Host]) -> Host:
        free = [h for h in pool if h not in picked] or pool
        picked.append(free[int(rng.integers(len(free)))])
        return picked[-1]

    return [
        _beacon(pick(at_any_hour), 1.2 * HOUR, 7 * HOUR, 90.0, 0.25, rng),
        _beacon(pick(at_work), 9.4 * HOUR, 15.6 * HOUR, 400.0, 0.35, rng),
        _horizontal(pick(at_work), net, rng),
        _vertical(pick(at_work), net, rng),
        _brute_force(pick(at_work), net.servers["db"], "ssh-login", 6.0, 2_900, 10.3 * HOUR, rng),
        _brute_force(pick(at_any_hour), net.servers["app"], "rdp-login", 14.0, 5_000, 21.1 * HOUR, rng),
        _brute_force(pick(things), net.servers["file"], "smb-login", 9.0, 2_400, 3.6 * HOUR, rng),
        _exfiltrate(pick(at_any_hour), net, 19.6 * HOUR, 55, 12.0, 80.0, rng),
        _exfiltrate(pick(at_work), net, 10.1 * HOUR, 48, 2.0, 300.0, rng),
        _move(pick(at_work), net, rng),
        _tunnel(pick(at_work), net, rng),
    ]


def code_of(attack: str) -> int:
    """The code of an attack in plans and sessions."""
    return ATTACKS.index(attack) + 1


def _beacon(host: Host, first: float, last: float, period: float, jitter: float, rng: np.random.Generator) -> Incident:
    """Check-ins over 443 with jitter to an address new to the network; an occasional task transfers more data."""
    times = ticks(first, last, period, jitter, rng)
    task = rng.random(len(times)) < 0.04
    up = np.where(task, rng.lognormal(2.3, 0.7, len(times)), 0.8)
    down = np.where(task, rng.lognormal(2.0, 1.0, len(times)), 0.6)
    server = public_addresses(1, rng)
    plans = plan(times, host.address, server, "telemetry", up=up, down=down, attack=code_of("beacon_https"))
    return Incident("beacon_https", host, f"every {period:.0f} s, jitter {jitter:.0%}, over 443", plans)


def _horizontal(host: Host, net: Network, rng: np.random.Generator) -> Incident:
    """A scan of the whole IoT segment, live addresses or not, on five ports."""
    things = [h.address for h in net.hosts if h.zone == "iot"] or [net.server("app")]
    segment = things[0] & 0xFFFFFF00
    targets = np.repeat(segment + rng.permutation(np.arange(1, 255)), 3).astype(np.uint32)
    ports = HORIZONTAL_PORTS[rng.integers(len(HORIZONTAL_PORTS), size=len(targets))]
    live = np.isin(targets, things)
    fate = np.where(live, rng.choice([REFUSED, DENIED, SERVED], len(targets), p=[0.55, 0.3, 0.15]), LOST)
    times = 11.2 * HOUR + rng.uniform(0, 600) + np.cumsum(rng.exponential(1.5, len(targets)))
    plans = plan(times, host.address, targets, "probe", port=ports, fate=fate, attack=code_of("port_scan"))
    return Incident("port_scan", host, "the IoT segment on five ports", plans)


def _vertical(host: Host, net: Network, rng: np.random.Generator) -> Incident:
    """A scan of one server on about 900 ports."""
    ports = rng.permutation(np.unique(np.r_[1:900, 1433, 3306, 3389, 5432, 5900, 5985, 8080, 8443, 9200]))
    fate = rng.choice([REFUSED, DENIED, LOST], len(ports), p=[0.6, 0.25, 0.15])
    fate[np.isin(ports, (135, 139, 445))] = SERVED
    times = 14.6 * HOUR + rng.uniform(0, 600) + np.cumsum(rng.exponential(0.8, len(ports)))
    plans = plan(times, host.address, net.server("file"), "probe", port=ports, fate=fate, attack=code_of("port_scan"))
    return Incident("port_scan", host, "about 900 ports of the file server", plans)


def _brute_force(
    host: Host, target: Host, profile: str, gap: float, length: float, begin: float, rng: np.random.Generator
) -> Incident:
    """Repeated log-ins; the last one, a longer session, succeeds."""
    times = begin + rng.uniform(0, 900) + np.cumsum(rng.exponential(gap, int(length / gap)))
    up = np.where(np.arange(len(times)) == len(times) - 1, 12.0, 1.0)
    plans = plan(times, host.address, target.address, profile, up=up, down=up, attack=code_of("brute_force"))
    return Incident("brute_force", host, f"{profile} at {target.name}, every {gap:.0f} s on average", plans)


def _exfiltrate(
    host: Host, net: Network, begin: float, count: int, size: float, gap: float, rng: np.random.Generator
) -> Incident:
    """Uploads to an address next to those of a cloud service in use."""
    cloud = net.internet.of_kind("cloud")
    service = int(cloud[int(rng.integers(len(cloud)))])
    address = (int(net.internet.addresses[service, 0]) & 0xFFFFFF00) + int(rng.integers(241, 255))
    times = begin + rng.uniform(0, 900) + np.cumsum(rng.exponential(gap, count))
    up = size * rng.lognormal(0, 0.4, count)
    plans = plan(times, host.address, address, "upload", up=up, attack=code_of("exfiltration"))
    return Incident("exfiltration", host, f"{count} uploads of about {3 * size:.0f} MB next to a cloud service", plans)


def _move(host: Host, net: Network, rng: np.random.Generator) -> Incident:
    """Moves from machine to machine by file share, remote desktop and remote management."""
    others = [h.address for h in net.people if h is not host] + [net.server(n) for n in ("file", "app", "db")]
    count = min(12, len(others))
    targets = np.array(others)[rng.permutation(len(others))[:count]]
    parts = []
    clock = 13.4 * HOUR + rng.uniform(0, 900)
    for target in targets:
        tries = int(rng.integers(3, 14))
        kinds = [("smb", "smb-login", "rdp", "winrm", "rpc")[int(k)] for k in rng.integers(5, size=tries)]
        fate = rng.choice([-1, REFUSED, LOST, DENIED], tries, p=[0.64, 0.16, 0.12, 0.08])
        moments = clock + np.cumsum(rng.exponential(14, tries))
        for moment, kind, outcome in zip(moments, kinds, fate, strict=True):
            parts.append(plan(moment, host.address, target, kind, fate=outcome, attack=code_of("lateral_movement")))
        clock = float(moments[-1] + rng.exponential(420))
    return Incident("lateral_movement", host, f"{count} machines on 445, 3389, 5985 and 135", np.concatenate(parts))


def _tunnel(host: Host, net: Network, rng: np.random.Generator) -> Incident:
    """Many large look-ups at a resolver that nobody else uses."""
    times = 15.9 * HOUR + rng.uniform(0, 600) + np.cumsum(rng.exponential(1.6, 2_000))
    resolver = public_addresses(1, rng)
    up, down = 2.6 * rng.lognormal(0, 0.25, len(times)), 1.8 * rng.lognormal(0, 0.35, len(times))
    plans = plan(times, host.address, resolver, "dns", up=up, down=down, attack=code_of("dns_tunnel"))
    return Incident("dns_tunnel", host, "a large look-up every 1.6 s at an unusual resolver", plans)
