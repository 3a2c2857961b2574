"""Harder and harmless variants of a labelled scenario, composed anew from its own traces.

    python -m bench.detection.variants popular --composer make_scenario.py --config dev.toml --traces traces --out OUT

The composer is the program that makes the scenario of real traces; it is used as it is, with the variant's changes to
the flows of attacks and to the days of hosts put between its steps.
"""

from __future__ import annotations

import argparse
import importlib.util
import ipaddress
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.detection import attacks, changes
from bench.detection.flows import DAY, Scene

Edit = Callable[[pd.DataFrame, Scene], pd.DataFrame]
STREAM = 77
OWN_PEERS = 78
POPULAR_NETWORKS = 60
NEW_SUBNET = {"zone": "lab", "count": 16, "subnets": ["10.20.13"], "weekend_idle": 0.75, "renew": 0.2,
              "personalities": [["pc234a", "pc234b"], ["pc167"]]}  # fmt: skip


@dataclass(frozen=True)
class Variant:
    """What is changed: settings of the scenario, attacks, harmless flows, new hosts, a last day without work.

    `subnet` adds 16 machines in a network of their own, on the last day. With `loyal`, that share of each host's web
    peers are in networks of its own that it comes back to, from a day drawn at random on.
    """

    seed: int | None = None
    attacks: Edit | None = None
    harmless: Callable[[Scene], pd.DataFrame] | None = None
    new_hosts: tuple[str, ...] = ()
    holiday: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    subnet: bool = False
    loyal: float = 0.0


SATURDAY_LAST = {"start": "2024-03-09"}
VARIANTS = {
    "base": Variant(),
    "seed": Variant(seed=424242),
    "web": Variant(attacks=attacks.on_web_port),
    "popular": Variant(attacks=attacks.in_known_networks),
    "thin": Variant(attacks=attacks.thinned),
    "answered": Variant(attacks=attacks.answered),
    "lateral": Variant(attacks=attacks.lateral),
    "families": Variant(attacks=attacks.families),
    "popular_seed": Variant(seed=99, attacks=attacks.in_known_networks),
    "families_seed": Variant(seed=99, attacks=attacks.families),
    "answered_seed": Variant(seed=7, attacks=attacks.answered),
    "thin_seed": Variant(seed=7, attacks=attacks.thinned),
    "clean": Variant(attacks=attacks.nothing),
    "rollout": Variant(attacks=attacks.nothing, harmless=changes.rollout),
    "backup": Variant(attacks=attacks.nothing, harmless=changes.backup),
    "new_hosts": Variant(attacks=attacks.nothing, new_hosts=("users-03", "users-23", "users-38", "iot-07")),
    "holiday": Variant(attacks=attacks.nothing, holiday=True),
    "quiet": Variant(attacks=attacks.quiet),
    "quiet_seed": Variant(seed=99, attacks=attacks.quiet),
    "resident": Variant(attacks=attacks.resident),
    "trickle": Variant(attacks=attacks.trickle),
    "weak": Variant(attacks=attacks.weak),
    "subnet": Variant(subnet=True),
    "scanner": Variant(harmless=changes.scanner),
    "weekend": Variant(settings=SATURDAY_LAST),
    "loyal": Variant(loyal=0.1),
    "loyal_trickle": Variant(attacks=attacks.trickle, loyal=0.1),
    "loyal_quiet": Variant(attacks=attacks.quiet, loyal=0.1),
    "loyal_thin": Variant(attacks=attacks.thinned, loyal=0.1),
}


def with_own_peers(
    flows: pd.DataFrame, host: str, stream: tuple[int, int], day: int, days: int, share: float
) -> pd.DataFrame:
    """The flows of a host's day, with a share of its web peers in networks that nobody else meets.

    Each of them is there on every day from one on that is drawn among the days of the scenario and as many before.
    """
    mine = (flows["src"] == host) & flows["dport"].isin([80, 443])
    moved = {}
    for peer in flows.loc[mine, "dst"].unique():
        address = ipaddress.ip_address(peer)
        draw = np.random.default_rng([*stream, OWN_PEERS, int(address)])
        if address.is_global and draw.random() < share and draw.integers(-days, days) <= day:
            moved[peer] = ".".join(map(str, draw.integers((45, 1, 0, 1), (180, 255, 255, 255))))
    return flows.assign(dst=flows["dst"].where(~mine, flows["dst"].map(lambda peer: moved.get(peer, peer))))


def load_composer(path: Path) -> Any:
    """The composing program as a module, read from its file without leaving anything beside it."""
    spec = importlib.util.spec_from_file_location("scenario_composer", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    spec.loader.exec_module(module)
    sys.dont_write_bytecode = before
    return module


def network_of(address: str) -> str:
    """The /24 of an IPv4 address."""
    return address.rpartition(".")[0]


def popular_networks(config: dict[str, Any], traces: dict[str, pd.DataFrame]) -> set[str]:
    """The /24s that the hosts of the background traces contact in most 15-minute blocks."""
    blocks: list[pd.Series[int]] = []
    for name, spec in config["traces"].items():
        if "idle_h" in spec:  # a trace of background
            flows = traces[name]
            own = flows[flows["src"] == spec["host"]]
            keys = pd.DataFrame({"net": own["dst"].map(network_of), "block": own["start"] // 900})
            blocks.append(keys.drop_duplicates()["net"].value_counts())
    total = pd.concat(blocks).groupby(level=0).sum().sort_index().sort_values(ascending=False, kind="stable")
    return set(total.index[:POPULAR_NETWORKS])


def compose(variant: Variant, composer: Any, config: dict[str, Any], traces: Path, out: Path) -> dict[str, Any]:
    """Composes the variant into the folder and returns the composer's counts."""
    seed = {} if variant.seed is None else {"seed": variant.seed}
    settings: dict[str, Any] = {**config, **seed, **variant.settings}
    if variant.subnet:
        settings["groups"] = [*config["groups"], NEW_SUBNET]
    make_attacks, host_day = composer.make_attacks, composer.host_day

    def changed_attacks(known: dict[str, Any], traces_: Any, hosts: Any, servers: Any, beside: Any, t0: int) -> Any:
        flows = make_attacks(known, traces_, hosts, servers, beside, t0)
        last = t0 + (known["days"] - 1) * DAY
        rng = np.random.default_rng([known["seed"], STREAM])
        networks = popular_networks(known, traces_)
        popular = [address for address in beside if network_of(address) in networks]
        scene = Scene({host.name: host.ip for host in hosts}, servers, popular, last, rng, known["days"])
        flows = variant.attacks(flows, scene) if variant.attacks else flows
        added = [variant.harmless(scene)] if variant.harmless else []
        together = pd.concat([flows, *added], ignore_index=True)
        return together[together["end"] < last + DAY]

    def changed_day(host: Any, number: int, day: int, weekend: bool, *rest: Any) -> Any:
        last = day == settings["days"] - 1
        if variant.holiday and last:
            host = composer.Host(**{**vars(host), "weekend_idle": 1.0 if host.weekend_idle else 0.0})
        flows = host_day(host, number, day, weekend or (variant.holiday and last), *rest)
        if variant.loyal:
            flows = with_own_peers(flows, host.ip, (settings["seed"], number), day, settings["days"], variant.loyal)
        new = host.name in variant.new_hosts or host.group == NEW_SUBNET["zone"]
        return flows.iloc[:0] if new and not last else flows

    composer.make_attacks, composer.host_day = changed_attacks, changed_day
    try:
        counts: dict[str, Any] = composer.compose(settings, traces, out)
    finally:
        composer.make_attacks, composer.host_day = make_attacks, host_day
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description="Compose variants of a labelled scenario.")
    parser.add_argument("names", nargs="+", choices=sorted(VARIANTS))
    parser.add_argument("--composer", type=Path, required=True, help="program that composes the scenario")
    parser.add_argument("--config", type=Path, required=True, help="scenario file (TOML)")
    parser.add_argument("--traces", type=Path, required=True, help="folder of the traces that the scenario names")
    parser.add_argument("--fresh", type=float, default=0.0, help="daily share of web peers that are strangers")
    parser.add_argument("--out", type=Path, required=True, help="folder to make the variants in, one folder each")
    args = parser.parse_args()
    composer = load_composer(args.composer)
    config = tomllib.loads(args.config.read_text(encoding="utf-8")) | {"fresh": args.fresh}
    for name in args.names:
        counts = compose(VARIANTS[name], composer, config, args.traces, args.out / name)
        print(name, counts)


if __name__ == "__main__":
    main()
