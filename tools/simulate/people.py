"""One day's sessions of people's machines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from common.arrays import Floats
from tools.simulate.network import Habit, Host, Network
from tools.simulate.plans import (
    DAY_SECONDS,
    HOUR,
    Addresses,
    Records,
    at_work,
    codes,
    plan,
    spread_over,
    ticks,
)

VISITS, VISIT_CONNECTIONS = 330.0, 3.4
EXPLORE = 0.10  # share of visits to services other than favourites
UPDATE_WEEKDAY = 1  # Tuesday
OFFICE_WORK = {  # sessions of a working day: kind, clerk, developer, analyst, admin
    "kerberos": (22, 26, 24, 40), "ldap": (16, 20, 18, 45), "rpc": (6, 6, 6, 20), "smb": (46, 26, 60, 40),
    "mail": (70, 50, 60, 60), "intranet": (60, 30, 70, 50), "proxy": (14, 10, 14, 10), "db": (0, 14, 55, 8),
    "ssh": (0, 16, 1, 22), "rdp": (0.1, 0.6, 0.3, 9), "winrm": (0, 0.2, 0, 26), "print": (2.4, 0.6, 2.0, 0.5),
    "dns-tcp": (3, 5, 3, 5),
}  # fmt: skip
JOBS = ("clerk", "developer", "analyst", "admin")
SERVER_OF = {
    "kerberos": "dc1", "ldap": "dc1", "rpc": "dc1", "smb": "file", "mail": "mail", "intranet": "app", "proxy": "proxy",
    "db": "db", "dns-tcp": "dc1",
}  # fmt: skip
ADMINISTERED = ("ssh", "rdp", "winrm")


@dataclass(frozen=True)
class Day:
    """One day of the scenario."""

    number: int
    days: int
    weekday: int  # 0 = Monday
    addresses: Addresses  # (n_services, width) in use today
    intensity: float


def person_day(
    host: Host, number: int, net: Network, day: Day, working: bool, rng: np.random.Generator
) -> list[Records]:
    """Planned sessions of one person's machine."""
    habit = host.habit
    assert habit is not None, host.name
    arrive, leave = habit.arrive_h + rng.normal(0, 0.25), habit.leave_h + rng.normal(0, 0.5)
    weights = at_work(arrive, leave, 0.03 if rng.random() < 0.35 else 0.0) * float(working)
    effort = habit.level * day.intensity * rng.lognormal(0, 0.25) * (1.0 if day.weekday < 5 else 0.4)
    on, off = _powered(habit, working, arrive, leave)
    parts = [_background(host, habit, net, on, off, rng), _software(host, number, net, day, on, off, rng)]
    if working:
        parts += _visits(host, habit, net, day, weights, effort, rng)
        parts += _office(host, habit, net, weights, effort, rng)
        parts += _now_and_then(host, habit, net, day, weights, rng)
    return parts


def new_software(number: int, net: Network, day: Day) -> list[int]:
    """New services that the machine runs on the day: one from mid-week for a third, one on the last day for a few."""
    hidden = net.internet.hidden
    first = number % 3 == 1 and day.number >= day.days * 3 // 8
    last = number % 12 == 5 and day.number == day.days - 1
    return [int(hidden[0])] * first + [int(hidden[1])] * last


def _powered(habit: Habit, working: bool, arrive: float, leave: float) -> tuple[float, float]:
    if habit.always_on:
        return 0.0, float(DAY_SECONDS)
    return ((arrive - 0.15) * HOUR, (leave + 0.2) * HOUR) if working else (0.0, 0.0)


def _background(host: Host, habit: Habit, net: Network, on: float, off: float, rng: np.random.Generator) -> Records:
    """Timers: endpoint agent, telemetry, time, mail, directory."""
    vendor = net.internet.vendor
    dc = net.server("dc1" if host.address % 3 else "dc2")
    timers = (  # destination, profile, period (s), jitter
        (vendor[host.address % 2], "agent", habit.agent_period_s, 0.05),
        (vendor[2 + host.address % 3], "telemetry", 840.0, 0.3),
        (dc, "ntp", 1024.0, 0.01),
        (dc, "dns", 600.0, 0.2),
        (net.server("mail"), "mail", 600.0, 0.1),
        (dc, "ldap", 5_400.0, 0.1),
        (dc, "kerberos", 7_200.0, 0.2),
        (net.server("file"), "smb", 3_600.0, 0.3),
    )
    parts = []
    for dst, profile, period, jitter in timers:
        times = ticks(on, off, period, jitter, rng)
        times = times[rng.random(len(times)) > 0.03]  # a machine sleeps, a timer slips
        parts.append(plan(times, host.address, dst, profile))
    return np.concatenate(parts)


def _software(
    host: Host, number: int, net: Network, day: Day, on: float, off: float, rng: np.random.Generator
) -> Records:
    """The timer of new software on some machines, and the weekly update."""
    parts = []
    for service in new_software(number, net, day):
        since = max(on, 10.2 * HOUR) if day.number == day.days * 3 // 8 or service != net.internet.hidden[0] else on
        times = ticks(since, off, 240.0 + 30 * (service % 3), 0.1, rng)
        dst = day.addresses[service, rng.integers(2, size=len(times))]
        parts.append(plan(times, host.address, dst, "telemetry"))
    if day.weekday == UPDATE_WEEKDAY and off > on and rng.random() < 0.8:
        begin = on + rng.uniform(0.1, 0.7) * (off - on)
        content = net.internet.of_kind("content")
        count = int(rng.integers(8, 60))
        dst = day.addresses[content[host.address % 3], rng.integers(4, size=count)]
        parts.append(plan(begin + rng.exponential(500, count), host.address, dst, "update"))
    return np.concatenate(parts) if parts else plan([], 0, 0, "update")


def _visits(
    host: Host, habit: Habit, net: Network, day: Day, weights: Floats, effort: float, rng: np.random.Generator
) -> list[Records]:
    """Visits to services: each opens connections there and to content networks, after a name look-up."""
    internet = net.internet
    times = spread_over(weights, int(rng.poisson(VISITS * effort)), rng)
    if len(times) == 0:
        return []
    favourites = np.array(habit.favourites)
    service = favourites[rng.choice(len(favourites), len(times), p=habit.weights)]
    explore = rng.random(len(times)) < EXPLORE
    flat = internet.popularity**0.6
    service[explore] = rng.choice(len(flat), int(explore.sum()), p=flat / flat.sum())
    fan = rng.geometric(1 / VISIT_CONNECTIONS, len(times))
    visited, when = np.repeat(service, fan), np.repeat(times, fan)
    elsewhere = rng.random(len(visited)) < 0.35
    content = internet.of_kind("content")
    share = internet.popularity[content] ** 0.8
    visited[elsewhere] = rng.choice(content, int(elsewhere.sum()), p=share / share.sum())
    when = when + rng.exponential(2.5, len(when))
    dst = day.addresses[visited, rng.integers(day.addresses.shape[1], size=len(visited))]
    web = plan(when, host.address, dst, internet.profiles_of(visited, rng))
    looked_up = rng.random(len(when)) < 0.28
    dc = net.server("dc1" if host.address % 3 else "dc2")
    names = plan(when[looked_up] - 0.2, host.address, dc, "dns")
    forwarded = names[rng.random(len(names)) < 0.35]
    outside = plan(forwarded["time"], dc, internet.vendor[8 + rng.integers(2, size=len(forwarded))], "dns")
    return [web, names, outside]


def _office(
    host: Host, habit: Habit, net: Network, weights: Floats, effort: float, rng: np.random.Generator
) -> list[Records]:
    """Sessions with servers, administered machines and printers."""
    parts = []
    place = JOBS.index(habit.job)
    printers = [h.address for h in net.hosts if h.kind == "printer"] or [net.server("app")]
    for profile, daily in OFFICE_WORK.items():
        times = spread_over(weights, int(rng.poisson(daily[place] * effort)), rng)
        if len(times) == 0:
            continue
        if profile in ADMINISTERED:
            dst = _administered(habit, net, len(times), rng)
        elif profile == "print":
            dst = np.full(len(times), printers[host.address % len(printers)])
        else:
            dst = np.full(len(times), net.server(SERVER_OF[profile]))
        parts.append(plan(times, host.address, dst, profile))
    return parts


def _administered(habit: Habit, net: Network, count: int, rng: np.random.Generator) -> Addresses:
    servers = [net.server(name) for name in ("app", "db", "file", "monitor", "mail", "proxy", "dc1", "backup")]
    near = servers if habit.job == "admin" else servers[:2]
    choice = np.array(near)[rng.integers(len(near), size=count)]
    if habit.job == "admin":  # help on other people's machines
        people = np.array([host.address for host in net.people])
        helped = rng.random(count) < 0.3
        choice[helped] = people[rng.integers(len(people), size=int(helped.sum()))]
    return choice.astype(np.uint32)


def _now_and_then(
    host: Host, habit: Habit, net: Network, day: Day, weights: Floats, rng: np.random.Generator
) -> list[Records]:
    """Occasional sessions: calls, large uploads, a colleague's share, another resolver, mistyped passwords."""
    parts = []
    vendor, internet = net.internet.vendor, net.internet
    calls = spread_over(weights, int(rng.poisson(1.6)), rng)
    parts.append(plan(calls, host.address, vendor[5] + rng.integers(0, 40, len(calls)).astype(np.uint32), "call"))
    if rng.random() < 0.07:
        cloud = internet.of_kind("cloud")
        service = cloud[int(rng.integers(len(cloud)))]
        times = spread_over(weights, 1, rng) + np.sort(rng.exponential(400, int(rng.integers(3, 25))))
        parts.append(plan(times, host.address, day.addresses[service, 0], "upload", up=rng.lognormal(1.4, 0.8)))
    if rng.random() < 0.05:
        times = spread_over(weights, int(rng.integers(1, 8)), rng)
        parts.append(plan(times, host.address, habit.file_peer, "smb"))
    if rng.random() < 0.04:
        times = spread_over(weights, 1, rng) + np.sort(rng.exponential(900, int(rng.integers(5, 120))))
        parts.append(plan(times, host.address, vendor[10 + host.address % 2], "dns", down=1.6))
    if rng.random() < 0.06:
        kinds = codes([("ssh-login", "rdp-login", "smb-login")[int(rng.integers(3))]])
        times = spread_over(weights, 1, rng) + np.cumsum(rng.exponential(9, int(rng.integers(2, 12))))
        parts.append(plan(times, host.address, net.server(("db", "app", "file")[int(rng.integers(3))]), kinds[0]))
    return parts
