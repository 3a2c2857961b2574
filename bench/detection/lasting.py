"""What cases gain from what lasts just below the line, and how many clean hosts they gain, too, as a table.

    python -m bench.detection.lasting --score quiet=LAKE:labels.csv ... --boundary 2024-03-12T00:08Z

Each lake is trained on its own days before the boundary, by pairs and spread alone, and scores the day after it.
Host-days of training are those with a window above the line, and with the so-manieth just below it within a day, about
the same peer; of the scored day, hosts without an attack, and attacked ones, that alert.
"""

from __future__ import annotations

import argparse
from datetime import UTC, timedelta
from pathlib import Path

import pandas as pd

from bench.detection.experiment import alert_line, as_used, fit, read, read_labels
from common.arrays import Floats
from common.detection.alerts import lasting
from common.detection.alerts.alerting import Alert
from common.detection.alerts.techniques import BEACON
from common.detection.alerts.terms import ALERT_SCORE
from common.detection.members.pairs import windows_of
from common.detection.pairs.scoring import ScoredRows
from common.windows import WINDOW, Windows, parse_moment

COUNTS = (1, 2, 3, 4, 6, 8)
DAY = pd.Timedelta(days=1)


def windows(pairs: ScoredRows, spread: ScoredRows) -> pd.DataFrame:
    """Hosts and windows in order of time, with the raw score and the strongest pair."""
    raw = as_used(pairs, spread)
    keys = windows_of(pairs.evidence.rows)
    row, found = pairs.strongest(keys)
    pair = pairs.evidence.rows.select(["peer_ip", "role"]).take(row).to_pandas().astype(str)
    rows = keys.to_pandas().astype({"host_ip": str}).assign(peer=pair["peer_ip"].where(found, ""), role=pair["role"])
    rows["raw"] = [raw[key] for key in zip(rows["host_ip"], rows["window_start_ts"], strict=True)]
    ordered: pd.DataFrame = rows.sort_values(["window_start_ts", "host_ip"], ignore_index=True)
    return ordered


def alerts_of(rows: pd.DataFrame, scores: Floats, count: int) -> list[Alert]:
    """What alerts if `count` windows below the line are enough; what is above it, if that is 0."""
    low = scores >= lasting.below_score(ALERT_SCORE)
    columns = (rows.loc[low, name].tolist() for name in ("host_ip", "window_start_ts", "peer", "role", "raw"))
    scored = [
        Alert(host, "", start, start + WINDOW, score, raw, (), ({"peer_ip": peer, "kind": role},), BEACON)
        for host, start, peer, role, raw, score in zip(*columns, scores[low].tolist(), strict=True)
    ]
    return list(lasting.alerting(scored, ALERT_SCORE, count or len(scored) + 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--score", action="append", required=True, metavar="NAME=LAKE:LABELS")
    parser.add_argument("--boundary", required=True, type=parse_moment, help="end of training, begin of the scored day")
    parser.add_argument("--days", type=int, default=7, help="days to train on")
    args = parser.parse_args()
    boundary = args.boundary.astimezone(UTC)
    print("| variant | so many windows | host-days of training, of 1,000 | clean hosts, of 1,000 | attacked hosts |")
    print("|---|---|---:|---:|---:|")
    for entry in args.score:
        name, _, rest = entry.partition("=")
        uri, _, path = rest.rpartition(":")
        pairs, spread, of_pairs, of_spread = fit(read(uri, Windows(boundary - timedelta(days=args.days), boundary)))
        activity = read(uri, Windows(boundary, boundary + timedelta(days=1)))
        past, now = windows(of_pairs, of_spread), windows(pairs.judge(activity), spread.judge(activity))
        day = (past["window_start_ts"] - boundary) // DAY
        host_days = (past["host_ip"] + day.astype(str)).nunique()
        line = alert_line(as_used(of_pairs, of_spread), boundary)
        labels = read_labels(Path(path), boundary)
        attacked = set(labels.loc[labels["attack"] != "", "host_ip"])
        clean = set(labels["host_ip"]) - attacked
        for count in (0, *COUNTS):
            trained, scored = (
                alerts_of(rows, line.anomaly_score(rows["raw"].to_numpy()), count) for rows in (past, now)
            )
            days = len({(alert.host_ip, (alert.start - boundary) // DAY) for alert in trained})
            hosts = {alert.host_ip for alert in scored}
            print(f"| `{name}` | {count or 'none'} | {1_000 * days / host_days:.0f} | "
                  f"{1_000 * len(hosts & clean) / len(clean):.0f} | {len(hosts & attacked)} of {len(attacked)} |",
                  flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
