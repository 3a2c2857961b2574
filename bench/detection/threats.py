"""What threats a firewall would have logged in a composed lake, drawn.

    python -m bench.detection.threats --lake LAKE --background LAKE --labels labels.csv --attackers apart --out LAKE

The traces have no threats, so they are drawn by what is known of such logs: 1 in 500 servers and ports trips a
signature of severity high or critical by mistake, in 1 of 20 windows of each of its clients; `--mistakes` makes that so
many times as many servers. What attackers do is not known, so there are two ends: 3 in 10 windows of what they begin
have a threat (`apart`), or it trips like all else (`others`). One in four is critical. What an attacker began is what
the other lake, of another variant with the same background, has not. Both ends inside know of it, as of all logs.

The copy has `delta_pair` and `pair_days` alone.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from bench.detection.experiment import read_labels
from bench.detection.firewall import by_value, of_text
from common.arrays import Flags, Integers
from common.contracts.columns import THREAT_SEVERITY
from common.threats import SEVERITIES
from common.windows import parse_moment

CRITICAL = len(SEVERITIES)
SERVER = ["server", "peer_port"]
SESSIONS = ["client", *SERVER, "window_start_ts"]


def slices_of(lake: Path, since: str) -> pa.Table:
    """The rows of `delta_pair` from that date on."""
    return DeltaTable(lake / "delta_pair").to_pyarrow_table(filters=[("date", ">=", since)])


def sessions_of(lake: Path, since: str) -> pd.DataFrame:
    """The client, server, port and window of each row of `delta_pair` from that date on, in its order."""
    columns = ["host_ip", "peer_ip", "role", "peer_port", "window_start_ts"]
    rows = slices_of(lake, since).select(columns).to_pandas()
    begun = rows["role"] == "outbound"
    rows["client"] = rows["host_ip"].where(begun, rows["peer_ip"])
    rows["server"] = rows["peer_ip"].where(begun, rows["host_ip"])
    found: pd.DataFrame = rows[SESSIONS]
    return found


def attacks(rows: pd.DataFrame, background: pd.DataFrame, labels: pd.DataFrame) -> Flags:
    """Which rows an attacker began: in a window in which the client attacks, and not in the background."""
    attacking = labels.loc[labels["attack"] != "", ["host_ip", "window_start"]].set_axis(
        ["client", "window_start_ts"], axis=1
    )
    known = rows.merge(background.drop_duplicates().assign(known=True), on=SESSIONS, how="left")["known"].notna()
    found = rows.merge(attacking.drop_duplicates().assign(found=True), on=["client", "window_start_ts"], how="left")
    return np.asarray(found["found"].notna() & ~known)


def severities(rows: pd.DataFrame, attack: Flags, apart: bool, mistakes: float) -> Integers:
    """The severity of the threat of each row, 0 for none."""
    noisy = by_value(rows, SERVER, lambda server, port: of_text("server", server, port) < mistakes / 500)
    found = np.zeros(len(rows), dtype=np.int64)
    for some, share in ((noisy.to_numpy(bool), 0.05), (attack & apart, 0.3)):
        drawn = by_value(rows[some], SESSIONS, lambda *session: of_text("threat", *session)).to_numpy(float)
        severity = np.where(drawn < share / 4, CRITICAL, CRITICAL - 1)
        found[some] = np.maximum(found[some], severity * (drawn < share))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("lake", "background", "labels", "out"):
        parser.add_argument(f"--{name}", required=True, type=Path)
    parser.add_argument("--attackers", required=True, choices=("apart", "others"))
    parser.add_argument("--mistakes", type=float, default=1.0, help="times as many servers that trip by mistake")
    parser.add_argument("--boundary", required=True, type=parse_moment, help="begin of the scored day")
    parser.add_argument("--since", default="", help="first date of the slices that the copy has")
    args = parser.parse_args()
    rows = sessions_of(args.lake, args.since)
    attack = attacks(rows, sessions_of(args.background, args.since), read_labels(args.labels, args.boundary))
    severity = severities(rows, attack, args.attackers == "apart", args.mistakes)
    print(args.out, f"{attack.sum()} rows of attackers, {(severity[attack] > 0).sum()} of them with a threat, "
          f"{(severity[~attack] > 0).sum()} others with one")  # fmt: skip
    shutil.rmtree(args.out, ignore_errors=True)
    shutil.copytree(args.lake / "pair_days", args.out / "pair_days")
    pairs = slices_of(args.lake, args.since)
    place = pairs.schema.get_field_index(THREAT_SEVERITY.name)
    drawn = pairs.set_column(place, THREAT_SEVERITY.arrow, pa.array(severity, pa.int32(), mask=severity == 0))
    write_deltalake(args.out / "delta_pair", drawn, partition_by=["date"])


if __name__ == "__main__":
    main()
