"""Owners of the addresses of a composed scenario, as an MMDB file: those of real traces are real, the others drawn.

    python -m bench.detection.owners --lake LAKE ... --background LAKE --database asn.mmdb --composer make_scenario.py \
        --config dev.toml --traces traces --attackers own --out owners.mmdb

Networks of the traces have the owner that the database says. Those that the composer drew have no true one: a clean
host's belongs to an owner of the traces, in proportion to the web networks that these have there, or, in 15 of 100
cases, to one of its own. So it is among real ones: of the 132 web networks that the host of a trace first met on its
second day, 112 belonged to owners of the day before. Networks that the background lake has not are attackers': each has
an owner of its own (`own`), or they are drawn like the others (`drawn`), as of attackers who rent where everybody is.
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import maxminddb
import numpy as np
import pandas as pd
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from bench.detection.variants import load_composer, network_of
from common.detection.pairs.owners import NAME, NUMBER
from common.features.spec import load_spec
from common.lake.lake import Lake

NEW_SHARE = 0.15
FIRST_PRIVATE_NUMBER = 4_200_000_000
WEB_PORTS = (80, 443)
Owner = Mapping[str, Any]


def met_networks(uri: str) -> set[str]:
    """The /24s of all IPv4 peers of a lake."""
    peers = Lake(uri, load_spec("v1")).arrow("delta_pair", ["peer_ip"])["peer_ip"].unique().to_pylist()
    return {network_of(peer) for peer in peers if ":" not in peer and not peer.startswith(("10.", "192.168."))}


def drawn_owners(networks: Iterable[str], known: pd.Series, attackers: set[str], own: bool) -> dict[str, Owner]:
    """An owner for each network: one of the known ones, or a new one; always that for attackers with their `own`."""
    found: dict[str, Owner] = {}
    for number, network in enumerate(sorted(networks)):
        rng = np.random.default_rng([int(part) for part in network.split(".")])
        new, place = rng.random() < NEW_SHARE, int(rng.integers(len(known)))
        if new or (own and network in attackers):
            found[network] = owner(FIRST_PRIVATE_NUMBER + number, f"Synthetic {number}")
        else:
            found[network] = known.iloc[place]
    return found


def owner(number: int, name: str) -> Owner:
    """A record as the databases have it."""
    return {NUMBER: number, NAME: name}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lake", required=True, action="append", help="lake whose peers get owners; can be repeated")
    for name in ("background", "database", "composer", "config", "traces", "out"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--attackers", required=True, choices=["own", "drawn"])
    args = parser.parse_args()
    composer, config = load_composer(Path(args.composer)), tomllib.loads(Path(args.config).read_text())
    flows = [composer.load_trace(Path(args.traces) / spec["file"], spec) for spec in config["traces"].values()]
    ends = pd.concat([pd.concat([part["src"], part["dst"]]) for part in flows]).unique()
    web = pd.concat([part.loc[part["dport"].isin(WEB_PORTS), "dst"] for part in flows[:-1]]).unique()
    with maxminddb.open_database(args.database) as database:
        found = {network_of(end): database.get(end) for end in ends}
    real = {network: entry for network, entry in found.items() if isinstance(entry, dict)}
    known = pd.Series({network: real[network] for end in web if (network := network_of(end)) in real})
    every = set().union(*map(met_networks, args.lake))
    attackers = every - met_networks(args.background)
    owners = real | drawn_owners(every - set(real), known, attackers, args.attackers == "own")
    writer = MMDBWriter(4, "Synthetic-ASN", description="owners of a composed scenario")
    for network, entry in sorted(owners.items()):
        writer.insert_network(IPSet([f"{network}.0/24"]), {**entry})
    writer.to_db_file(args.out)
    print(f"{args.out}: {len(real)} real networks, {len(every) - len(real)} drawn, {len(attackers)} of attackers")


if __name__ == "__main__":
    main()
