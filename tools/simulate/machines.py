"""One day's sessions of devices and servers, and from the internet."""

from __future__ import annotations

import numpy as np

from tools.simulate.network import Host, Network
from tools.simulate.people import Day
from tools.simulate.plans import DAY_SECONDS, HOUR, Records, at_work, plan, spread_over, ticks
from tools.simulate.services import public_addresses
from tools.simulate.sessions import DENIED

WHOLE_DAY = (0.0, float(DAY_SECONDS))
NOISE_PORTS = np.array([22, 23, 25, 80, 443, 445, 1433, 3389, 5060, 5900, 8080, 8443, 6379, 2323, 81])
SWEPT_PORTS = np.array([22, 80, 135, 443, 445, 3389, 9100])


def device_day(host: Host, net: Network, day: Day, rng: np.random.Generator) -> list[Records]:
    """Planned sessions of a camera, printer or sensor: timers that run day and night."""
    vendor = net.internet.vendor
    src = host.address
    parts = [plan(ticks(*WHOLE_DAY, 1_024, 0.02, rng), src, vendor[12], "ntp")]
    if host.kind == "camera":
        parts += [
            plan(ticks(*WHOLE_DAY, 300, 0.02, rng), src, net.server("file"), "camera"),
            plan(ticks(*WHOLE_DAY, 60, 0.05, rng), src, vendor[6 + src % 2], "agent"),
            plan(spread_over(at_work(7, 18, 0.2), int(rng.poisson(14)), rng), src, vendor[7], "upload", up=0.4),
        ]
    elif host.kind == "printer":
        parts += [
            plan(ticks(*WHOLE_DAY, 1_800, 0.1, rng), src, net.server("proxy"), "proxy"),
            plan(ticks(*WHOLE_DAY, 900, 0.2, rng), src, net.server("dc1"), "dns"),
            plan(spread_over(at_work(7, 18, 0), int(rng.poisson(6)), rng), src, net.server("file"), "smb", up=30),
        ]
    else:
        parts += [
            plan(ticks(*WHOLE_DAY, 300, 0.1, rng), src, vendor[13], "mqtt"),
            plan(ticks(*WHOLE_DAY, 1_200, 0.1, rng), src, vendor[10], "dns"),
        ]
    if day.weekday == 2 or rng.random() < 0.03:  # firmware
        times = 3 * HOUR + rng.uniform(0, 4_000) + rng.exponential(60, int(rng.integers(2, 8)))
        content = net.internet.of_kind("content")
        parts.append(plan(times, src, day.addresses[content[4], 0], "update", down=3))
    return parts


def server_day(net: Network, day: Day, rng: np.random.Generator) -> list[Records]:
    """Planned sessions of servers: monitoring, backup, database, mail, proxy, updates; and those from the internet."""
    return [
        *_monitoring(net, rng),
        *_backup(net, rng),
        *_services(net, day, rng),
        *_from_outside(net, day, rng),
    ]


def _monitoring(net: Network, rng: np.random.Generator) -> list[Records]:
    """Polls of every server and device, a nightly inventory sweep, and system logs."""
    monitor = net.server("monitor")
    parts = []
    for host in [*net.servers.values(), *net.hosts]:
        if host.address == monitor or host.kind == "person":
            continue
        period, profile = (120, "ping") if host.kind == "server" else (300, "snmp")
        parts.append(plan(ticks(*WHOLE_DAY, period, 0.02, rng), monitor, host.address, profile))
        if host.kind == "server":
            parts.append(plan(ticks(*WHOLE_DAY, 300, 0.02, rng), monitor, host.address, "poll"))
            parts.append(plan(ticks(*WHOLE_DAY, 300, 0.2, rng), host.address, monitor, "syslog"))
    for host in net.hosts:
        ports = SWEPT_PORTS[rng.random(len(SWEPT_PORTS)) < 0.8]
        times = 2.5 * HOUR + rng.uniform(0, 2_400) + rng.exponential(3, len(ports))
        parts.append(plan(times, monitor, host.address, "probe", port=ports))
    awake = [host for host in net.people if host.habit and host.habit.always_on]
    for host in awake:  # configuration management
        times = ticks(*WHOLE_DAY, 6 * HOUR, 0.3, rng)
        parts.append(plan(times, monitor, host.address, "winrm"))
    return parts


def _backup(net: Network, rng: np.random.Generator) -> list[Records]:
    """The nightly backup of the servers and the noon backup of machines that stay on."""
    target = net.server("backup")
    parts = []
    for name, host in net.servers.items():
        if name != "backup":
            times = HOUR + rng.uniform(0, 5_400) + np.cumsum(rng.exponential(180, int(rng.integers(3, 12))))
            parts.append(plan(times, host.address, target, "backup", up=8 if name in ("file", "db") else 1))
    for host in net.people:
        if host.habit and host.habit.always_on:
            times = 12 * HOUR + rng.uniform(0, 5_000) + rng.exponential(200, int(rng.integers(1, 4)))
            parts.append(plan(times, host.address, target, "backup", up=0.2))
    return parts


def _services(net: Network, day: Day, rng: np.random.Generator) -> list[Records]:
    """Sessions of servers with each other and with the internet."""
    internet = net.internet
    work = at_work(6.5, 19, 0.15) + 0.08
    busy = (1.0 if day.weekday < 5 else 0.25) * day.intensity * len(net.hosts) / 60
    wanted = (  # source, destination, profile, sessions a day
        ("app", "db", "db", 2_400), ("app", "dc1", "ldap", 500), ("mail", "dc2", "ldap", 700),
        ("file", "dc1", "kerberos", 400), ("dc1", "dc2", "ldap", 300), ("dc2", "dc1", "rpc", 200),
        ("dc1", "dc2", "smb", 96), ("proxy", "dc1", "dns", 900), ("mail", "dc2", "dns", 1_400),
    )  # fmt: skip
    parts = []
    for source, destination, profile, daily in wanted:
        times = spread_over(work, int(rng.poisson(daily * busy)), rng)
        parts.append(plan(times, net.server(source), net.server(destination), profile))
    times = spread_over(work, int(rng.poisson(1_500 * busy)), rng)
    share = internet.popularity / internet.popularity.sum()
    service = rng.choice(len(share), len(times), p=share)
    dst = day.addresses[service, rng.integers(day.addresses.shape[1], size=len(times))]
    parts.append(plan(times, net.server("proxy"), dst, internet.profiles_of(service, rng)))
    times = spread_over(work, int(rng.poisson(420 * busy)), rng)
    correspondents = public_addresses(300, np.random.default_rng([net.seed, 31]))
    parts.append(plan(times, net.server("mail"), correspondents[_zipf(300, len(times), rng)], "smtp"))
    for name in net.servers:
        src = net.server(name)
        parts.append(plan(ticks(*WHOLE_DAY, 300, 0.05, rng), src, internet.vendor[src % 2], "agent"))
        parts.append(plan(ticks(*WHOLE_DAY, 1_024, 0.02, rng), src, internet.vendor[12], "ntp"))
        if day.weekday == 3:
            times = 3.5 * HOUR + rng.uniform(0, 5_000) + rng.exponential(200, int(rng.integers(4, 20)))
            content = internet.of_kind("content")
            parts.append(plan(times, src, day.addresses[content[src % 3], 0], "update"))
    return parts


def _from_outside(net: Network, day: Day, rng: np.random.Generator) -> list[Records]:
    """Incoming mail, remote users of the mail server, and constant probes from the internet."""
    mail = net.server("mail")
    known = public_addresses(400, np.random.default_rng([net.seed, 32]))
    work = at_work(6, 22, 0.3) + 0.15
    times = spread_over(work, int(rng.poisson(900 * min(1.0, day.intensity))), rng)
    senders = np.where(
        rng.random(len(times)) < 0.8, known[_zipf(400, len(times), rng)], public_addresses(len(times), rng)
    )
    incoming = plan(times, senders, mail, "smtp", up=3)
    times = spread_over(work, int(rng.poisson(500 * min(1.0, day.intensity))), rng)
    phones = plan(times, known[_zipf(80, len(times), rng)], mail, "mail")
    count = int(rng.poisson(1_100))
    public = np.array([mail, net.server("proxy"), net.server("app")])
    noise = plan(
        rng.uniform(0, DAY_SECONDS, count),
        public_addresses(count, rng),
        public[rng.integers(3, size=count)],
        "probe",
        port=np.where(rng.random(count) < 0.8, rng.choice(NOISE_PORTS, count), rng.integers(1, 65_000, count)),
        fate=DENIED,
    )
    return [incoming, phones, noise]


def _zipf(size: int, count: int, rng: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    weights = 1.0 / np.arange(1, size + 1)
    return rng.choice(size, count, p=weights / weights.sum())
