"""How the variants change a scenario's attacks: hidden, slowed, or of other kinds."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd

from bench.detection.flows import DAY, Scene, sessions

WEB = 443


def on_web_port(flows: pd.DataFrame, scene: Scene) -> pd.DataFrame:
    """The same sessions, all to port 443."""
    return flows.assign(dport=np.where(flows["proto"] == "tcp", WEB, flows["dport"]))


def in_known_networks(flows: pd.DataFrame, scene: Scene) -> pd.DataFrame:
    """The same sessions to port 443 of addresses in networks that the hosts use, another one for each attack."""
    moved = on_web_port(flows, scene)
    peers = moved[["attack", "dst"]].drop_duplicates()
    stand_in = dict(zip(peers.itertuples(index=False, name=None), scene.known_addresses(len(peers)), strict=True))
    pairs = zip(moved["attack"], moved["dst"], strict=True)
    return moved.assign(dst=[stand_in[pair] for pair in pairs])


def thinned(flows: pd.DataFrame, scene: Scene) -> pd.DataFrame:
    """Of C2 one session in 40, so that a window has about five; in known networks on port 443; of the rest all."""
    moved = in_known_networks(flows, scene)
    number = moved.groupby(["attack", "src"]).cumcount()
    return moved[~moved["attack"].str.startswith("c2") | (number % 40 == 0)]


def answered(flows: pd.DataFrame, scene: Scene) -> pd.DataFrame:
    """C2 that is answered: check-ins over 443 to an address in a known network, with a period and some jitter."""
    places = [
        ("users-07", "01:00", 10, 60.0, 0.2),
        ("iot-03", "08:00", 12, 300.0, 0.3),
        ("users-11", "09:30", 8, 180.0, 0.5),
        ("users-22", "11:00", 5, 30.0, 0.1),
        ("users-35", "00:30", 20, 600.0, 0.1),
    ]
    parts = []
    for (name, clock, hours, period, jitter), peer in zip(places, scene.known_addresses(len(places)), strict=True):
        ends = scene.ticks(scene.at(clock), hours * 3600, period, jitter)
        parts.append(sessions(scene, "c2_answered", ends, scene.hosts[name], peer, WEB, sent=850, spread=0.05))
    return pd.concat(parts, ignore_index=True)


def lateral(flows: pd.DataFrame, scene: Scene) -> pd.DataFrame:
    """From one machine to others and to servers by 445, 5985, 3389 and 22; and inbound log-in attempts from outside."""
    users = [address for name, address in scene.hosts.items() if name.startswith("users")]
    parts = []
    for name, clock, count in (("users-04", "10:20", 5), ("users-29", "15:05", 3), ("iot-06", "03:10", 4)):
        moment = scene.at(clock)
        others = [address for address in users if address != scene.hosts[name]]
        targets = [others[int(n)] for n in scene.rng.choice(len(others), count, replace=False)]
        for target in [*targets, scene.servers[0]]:
            tries = int(scene.rng.integers(3, 10))
            ports = scene.rng.choice([445, 5985, 3389, 22], tries, p=[0.5, 0.25, 0.15, 0.1])
            ends = moment + np.cumsum(scene.rng.exponential(15, tries))
            replied = scene.rng.random(tries) < 0.65
            parts.append(
                sessions(scene, "lateral", ends, scene.hosts[name], target, ports, answered=replied, seconds=5)
            )
            moment = float(ends[-1] + scene.rng.exponential(300))
    tunnel = scene.ticks(scene.at("20:30"), 3600, 7.0, 0.5)
    parts.append(sessions(scene, "brute_force", tunnel, scene.hosts["users-41"], scene.servers[2], 22, seconds=2))
    for name, clock, port in (("iot-04", "05:00", 22), ("users-14", "18:00", 3389)):
        ends = scene.ticks(scene.at(clock), 5400, 6.0, 0.5)
        parts.append(
            sessions(scene, "inbound_force", ends, scene.known_addresses()[0], scene.hosts[name], port, seconds=2)
        )
    return pd.concat(parts, ignore_index=True)


def families(flows: pd.DataFrame, scene: Scene) -> pd.DataFrame:
    """One host each: exfiltration, DNS tunnel, spam, click fraud, scans of three shapes, a flood, a slow upload."""
    rng, host = scene.rng, scene.hosts
    alive = set(host.values())

    def spread(clock: str, hours: float, count: int) -> np.ndarray:
        return np.asarray(np.sort(scene.at(clock) + rng.uniform(0, hours * 3600, count)))

    mail, clicks = scene.strangers(150), scene.known_addresses(100)
    segment = host["users-01"].rpartition(".")[0]
    dark = [address for last in range(1, 255) if (address := f"{segment}.{last}") not in alive]
    sweep = [*dark[:120], host["users-01"], host["users-04"]]
    ports = rng.permutation(np.arange(1, 4_000))[:700]
    parts = [
        sessions(scene, "exfiltration", spread("19:30", 1.5, 45), host["users-05"], scene.known_addresses()[0], WEB,
                 sent=6e6, received=3e4, seconds=40, spread=0.5),
        sessions(scene, "dns_tunnel", spread("15:50", 0.8, 1_800), host["users-13"], scene.strangers()[0], 53,
                 protocol="udp", sent=240, received=400),
        sessions(scene, "spam", spread("12:30", 2, 400), host["users-19"], rng.choice(mail, 400), 25,
                 answered=rng.random(400) < 0.5, sent=4_000),
        sessions(scene, "click_fraud", spread("13:00", 3, 500), host["users-26"], rng.choice(clicks, 500), 80,
                 sent=1_200, received=9_000, spread=0.8),
        sessions(scene, "port_scan", spread("14:40", 0.2, 700), host["users-30"], scene.servers[1], ports,
                 answered=rng.random(700) < 0.01),
        sessions(scene, "sweep", spread("11:15", 0.25, 122), host["iot-02"], sweep, 445,
                 answered=np.isin(sweep, list(alive))),
        sessions(scene, "slow_sweep", scene.ticks(scene.at("06:00"), 4 * 3600, 75, 0.5), host["users-33"],
                 rng.choice(dark, 192), 22, answered=False),
        sessions(scene, "udp_flood", spread("17:20", 0.15, 3_000), host["iot-10"], scene.strangers()[0], 80,
                 protocol="udp", answered=False),
        sessions(scene, "slow_upload", scene.ticks(scene.at("08:00"), 12 * 3600, 1_200, 0.3), host["users-45"],
                 scene.known_addresses()[0], WEB, sent=9e5, received=5e3, seconds=10),
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def resident(flows: pd.DataFrame, scene: Scene) -> pd.DataFrame:
    """Five attacks, two hosts each, that were there before training began: every day the same, to the same peers."""
    rng, host = scene.rng, scene.hosts
    segment = host["users-01"].rpartition(".")[0]
    alive = set(host.values())
    dark = [address for last in range(1, 255) if (address := f"{segment}.{last}") not in alive][:120]
    known, strangers = scene.known_addresses(4), scene.strangers(4)
    parts = []
    for day in range(scene.days):
        begin = scene.last_day - day * DAY
        for number, name in enumerate(("users-07", "iot-03")):
            checks = scene.ticks(begin + 3600, 20 * 3600, 300.0, 0.2)
            parts.append(sessions(scene, "c2_resident", checks, host[name], known[number], WEB, sent=850, spread=0.05))
        for number, name in enumerate(("users-11", "users-22")):
            tries = scene.ticks(begin, DAY - 400, 360.0, 0.1)
            parts.append(sessions(scene, "rat_reconnects", tries, host[name], strangers[number], 4444, answered=False))
        for number, name in enumerate(("users-13", "users-30")):
            queries = np.sort(begin + rng.uniform(0, DAY, 600))
            parts.append(sessions(scene, "tunnel_resident", queries, host[name], strangers[2 + number], 53,
                                  protocol="udp", sent=240, received=400))  # fmt: skip
        for number, name in enumerate(("users-45", "users-05")):
            ends = scene.ticks(begin + 8 * 3600, 12 * 3600, 1_200, 0.3)
            parts.append(sessions(scene, "upload_resident", ends, host[name], known[2 + number], WEB,
                                  sent=9e5, received=5e3, seconds=10))  # fmt: skip
        for name in ("iot-02", "users-33"):
            tries = np.sort(begin + rng.uniform(0, DAY, 120))
            parts.append(sessions(scene, "scan_resident", tries, host[name], dark, 445, answered=False))
    return pd.concat(parts, ignore_index=True)


def trickle(flows: pd.DataFrame, scene: Scene) -> pd.DataFrame:
    """C2 with one contact in two to six hours, for the last three days; three of five in networks of their own."""
    begin = scene.last_day - 2 * DAY
    peers = [*scene.strangers(3), *scene.known_addresses(2)]
    parts = []
    for name, peer in zip(("users-04", "users-15", "iot-06", "users-27", "users-38"), peers, strict=True):
        ends = begin + np.cumsum(scene.rng.uniform(2 * 3600, 6 * 3600, 30))
        parts.append(sessions(scene, "c2_trickle", ends[ends < scene.last_day + DAY], scene.hosts[name], peer, WEB))
    return pd.concat(parts, ignore_index=True)


def quiet(flows: pd.DataFrame, scene: Scene) -> pd.DataFrame:
    """One host each: few, small, mostly answered sessions: eight kinds of attack, two hosts each."""
    rng, host = scene.rng, scene.hosts
    names = iter(sorted(name for name in host if int(name[-2:]) % 3 == 1)[:16])
    parts = []

    def add(kind: str, ends: np.ndarray, dst: object, port: object, **more: object) -> None:
        parts.append(sessions(scene, kind, ends, host[next(names)], dst, port, **more))  # type: ignore[arg-type]

    def over(clock: str, hours: float, count: int) -> np.ndarray:
        return np.asarray(np.sort(scene.at(clock) + rng.uniform(0, hours * 3600, count)))

    for known in (scene.strangers, scene.known_addresses):
        add("c2_clock", scene.ticks(scene.at("07:00"), 8 * 3600, 600, 0.2), known()[0], WEB, sent=700, spread=0.05)
        add("c2_random", over("06:00", 12, 40), known()[0], WEB, sent=700, spread=0.2)
        add("c2_sparse", scene.ticks(scene.at("02:00"), 18 * 3600, 3_600, 0.5), known()[0], WEB, sent=700)
        add("upload", over("10:00", 1, 6), known()[0], WEB, sent=2e7, received=3e4, seconds=30)
        add("tunnel", over("11:00", 6, 600), known()[0], 53, protocol="udp", sent=180, received=300)
        add("log_ins", scene.ticks(scene.at("22:00"), 3_600, 30, 0.5), scene.servers[2], 22, seconds=2)
        add("moves", over("13:00", 3, 12), rng.choice([*scene.servers[:2], host["users-02"], host["users-05"]], 12),
            rng.choice([445, 3389, 5985], 12), answered=rng.random(12) < 0.7, seconds=5)  # fmt: skip
        add("fetch", over("09:00", 0.3, 3), known()[0], 8080, received=3e6, seconds=4)
    return pd.concat(parts, ignore_index=True)


def nothing(flows: pd.DataFrame, scene: Scene) -> pd.DataFrame:
    """No attack at all but one flood, without which there would be nothing to label."""
    return flows[flows["attack"] == "ddos_flood"]


def weak(flows: pd.DataFrame, scene: Scene) -> pd.DataFrame:
    """Two hosts each: valid tools at night, a DNS tunnel, an upload and paths of log-ins, where all that is usual.

    On every day administrators log in to many machines by day, and two hosts ask a resolver all the time and upload to
    many networks, as an address translator does. On the last day the former log in to the same machines by night, the
    latter send 600 tunnel queries to the same resolver, and one upload of 120 MB in six sessions among the others; and
    of two chains of four machines each logs in to the next.
    """
    rng, host = scene.rng, scene.hosts
    users = sorted(name for name in host if name.startswith("users"))
    targets = [*scene.servers[:2], *(host[name] for name in users[20:30])]
    places = scene.known_addresses(34)
    parts = []

    def add(kind: str, ends: np.ndarray, name: str, dst: object, port: object, **more: object) -> None:
        parts.append(sessions(scene, kind, ends, host[name], dst, port, **more))  # type: ignore[arg-type]

    def over(begin: float, hours: float, count: int) -> np.ndarray:
        return np.asarray(np.sort(begin + rng.uniform(0, hours * 3600, count)))

    def log_ins(kind: str, name: str, begin: float, count: int) -> None:
        ports = rng.choice([22, 3389, 5985, 445], count)
        add(kind, over(begin, 4, count), name, rng.choice(targets, count), ports, received=4_000, seconds=60)

    for day in range(scene.days):
        begin = scene.last_day - day * DAY
        for name in ("users-03", "users-06"):
            log_ins("", name, begin + 8 * 3600, 40)
        for name in ("users-09", "users-12"):
            add("", over(begin, 24, 1_500), name, scene.servers[0], 53, protocol="udp", sent=70, received=160)
        for name in ("users-15", "users-18"):
            size = 1e5 * rng.lognormal(0, 2, 200)
            add("", over(begin, 24, 200), name, rng.choice(places[:32], 200), WEB, sent=size, received=3e4)
    for name in ("users-03", "users-06"):
        log_ins("night_tools", name, scene.at("01:00"), 40)
    for name in ("users-09", "users-12"):
        add("tunnel_chatty", over(scene.at("09:00"), 6, 600), name, scene.servers[0], 53,
            protocol="udp", sent=180, received=300)  # fmt: skip
    for name, peer in zip(("users-15", "users-18"), places[32:], strict=True):
        add("upload_nat", over(scene.at("11:00"), 1, 6), name, peer, WEB, sent=2e7, received=3e4, seconds=30)
    for begin, chain in ((scene.at("10:00"), users[30:34]), (scene.at("16:00"), users[34:38])):
        for step, (name, then) in enumerate(pairwise(chain)):
            add("log_in_path", over(begin + step * 900, 0.2, 3), name, host[then], (22, 3389, 445)[step], seconds=120)
    return pd.concat(parts, ignore_index=True)
