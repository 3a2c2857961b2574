"""What a firewall would have said of the pairs of a composed lake: applications and registered domains, drawn.

    python -m bench.detection.words --lake LAKE --background LAKE --attackers own --out LAKE

The traces say neither, so both are drawn by what is known of such logs. A network of the web has one to three domains
of 400, few of which are of most networks, or, in 15 of 100 cases (of those that a single host meets, in 40), one of its
own; in 20 of 100 cases its logs have no URLs. An application goes with a domain: half of them are named, the others
are `ssl` or `web-browsing`; 1 in 100 networks has `unknown-tcp`. All else has the application of its port. What
attackers do is not known, so there are three ends. Their peers, which the background lack, have a domain of their own
(`own`), no URL (`none`), or one of the 400 (`known`). With `--odd-apps`, half of them speak what a firewall does not
know or does not expect on the port; else they speak what is ordinary there.

The copy has `delta_pair` and `pair_days` alone.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from bench.detection.variants import network_of

SITES, NAMED_APPS = 400, 40
APPS = {443: "ssl", 80: "web-browsing", 8080: "web-browsing", 22: "ssh", 53: "dns", 123: "ntp", 445: "ms-ds-smb",
        3389: "ms-rdp", 25: "smtp", 5985: "winrm"}  # fmt: skip
WEB = (443, 80)
ATTACKERS = ("own", "none", "known")
TABLES = {"delta_pair": ["date"], "pair_days": ["date", "source_digest"]}
Words = tuple[str, str | None]


def site(rng: np.random.Generator, few: bool) -> str | None:
    """A registered domain of a network, None where its logs have no URLs."""
    own, logged = rng.random() < (0.40 if few else 0.15), rng.random() < 0.8
    known = int(SITES ** rng.random())  # in proportion to 1 / rank
    return (f"own-{rng.integers(1 << 40)}.example" if own else f"site-{known}.example") if logged else None


def words_of(peer: str, port: int, few: bool, attackers: str | None, odd: bool) -> Words:
    """The application and the domain of the sessions to an address and a port."""
    network = network_of(peer)
    address = np.random.default_rng([int(part) for part in peer.split(".")])
    app = APPS.get(port, "unknown-tcp")
    if attackers is not None:
        odd_app = "ssh-tunnel" if app == "ssl" and address.random() < 0.2 else "unknown-tcp"
        domain = {"own": f"evil-{network}.example", "none": None, "known": site(address, few=False)}[attackers]
        return (odd_app if odd and address.random() < 0.5 else app), domain if port in WEB else None
    if port not in WEB:
        return app, None
    draws = np.random.default_rng([int(part) for part in network.split(".")])
    domains = [site(draws, few) for _ in range(int(draws.integers(1, 4)))]
    domain = domains[int(address.integers(len(domains)))]
    if draws.random() < 0.01:
        return "unknown-tcp", domain
    of_site = np.random.default_rng([ord(letter) for letter in domain or network])
    named = of_site.random() < 0.5 and app == "ssl"
    return (f"app-{int(NAMED_APPS ** of_site.random())}" if named else app), domain


def pairs_of(lake: Path) -> Any:
    """The IPv4 addresses and ports that hosts began sessions with, and whether a single host did."""
    columns = ["peer_ip", "peer_port", "host_ip", "role"]
    both = pa.concat_tables([DeltaTable(lake / name).to_pyarrow_table(columns=columns) for name in TABLES])
    connection = duckdb.connect()
    connection.register("pairs", both)
    return connection.sql(
        "SELECT peer_ip, peer_port AS port, count(DISTINCT host_ip) = 1 AS few FROM pairs "
        "WHERE role = 'outbound' AND NOT contains(peer_ip, ':') GROUP BY ALL"
    ).df()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("lake", "background", "out"):
        parser.add_argument(f"--{name}", required=True, type=Path)
    parser.add_argument("--attackers", required=True, choices=ATTACKERS)
    parser.add_argument("--odd-apps", action="store_true")
    parser.add_argument("--since", default="", help="first date of the slices that the copy has")
    args = parser.parse_args()
    found, known = pairs_of(args.lake), set(pairs_of(args.background)["peer_ip"])
    hosts = found.assign(network=found["peer_ip"].map(network_of))
    few = hosts.groupby("network")["few"].transform("all")
    each = zip(found["peer_ip"], found["port"], few, strict=True)
    said = [
        words_of(peer, port, one, None if peer in known else args.attackers, args.odd_apps) for peer, port, one in each
    ]
    words = found[["peer_ip", "port"]].assign(app=[app for app, _ in said], domain=[domain for _, domain in said])
    print(args.out, f"{len(words)} peers and ports, {words['domain'].nunique()} domains, "
          f"{len(set(found['peer_ip']) - known)} peers of attackers")  # fmt: skip
    shutil.rmtree(args.out, ignore_errors=True)
    shutil.copytree(args.lake, args.out, ignore=lambda _, names: [name for name in names if name != "_lake.json"])
    write(args.lake, args.out, words, args.since)


def write(lake: Path, out: Path, words: pd.DataFrame, since: str) -> None:
    """Writes the tables of pairs with the words."""
    connection = duckdb.connect()
    connection.register("words", words)
    connection.register("ports", pd.DataFrame({"port": list(APPS), "usual": list(APPS.values())}))
    for name, partitions in TABLES.items():
        connection.register("pairs", DeltaTable(lake / name).to_pyarrow_table())
        said = connection.sql(
            "SELECT pairs.*, coalesce(words.app, ports.usual) AS app, words.domain FROM pairs "
            "LEFT JOIN words ON words.peer_ip = pairs.peer_ip AND words.port = peer_port AND role = 'outbound' "
            f"LEFT JOIN ports ON ports.port = peer_port WHERE date >= '{since if name == 'delta_pair' else ''}'"
        )
        write_deltalake(out / name, said.to_arrow_table(), partition_by=partitions)


if __name__ == "__main__":
    main()
