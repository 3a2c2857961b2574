"""What indicators do to the order of alerts: PR-AUC and attacked hosts with and without them, as a table.

    python -m bench.detection.indicators --train-lake LAKE --score popular=LAKE:labels.csv --boundary 2024-03-12T00:08Z

Of the peers that only attacks meet, every second one is an indicator; so are, as false ones, the peers outside that
most hosts met in training. Alerts are ordered by pairs and spread alone; as cases are, where a hit on what an alert is
mainly about comes first within a severity; so with any hit; and by the score with a decade more for any hit, which is
not done. `clean alerts` counts the hosts without an attack that alert, by the score and with that decade; `alone` those
that met an indicator and do not alert.
"""

from __future__ import annotations

import argparse
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from bench.detection.experiment import (
    ALERT_SHARE,
    Score,
    Trained,
    as_used,
    figures,
    fit,
    read,
    read_labels,
)
from common.addresses import are_internal
from common.arrays import Flags, Floats
from common.config.project import DEFAULT_INTERNAL_CIDRS
from common.detection.alerts.cases import SEVERITIES
from common.detection.alerts.contacts import MAIN_SHARE
from common.detection.pairs.scoring import ScoredRows
from common.windows import Windows, parse_moment

KEY = ["host_ip", "window_start_ts"]
MOST_LISTED = 0.5
"""Share of the windows of an attack in which an indicator of it is met."""
DECADE = 1.0


def attackers(activity: pa.Table, labels: pd.DataFrame) -> list[str]:
    """The peers outside that a host meets in most windows of its attack, and nobody at other times; in order."""
    rows = outside(activity).merge(labels.rename(columns={"window_start": "window_start_ts"}), on=KEY, how="left")
    rows["attack"] = rows["attack"].fillna("")
    lasting = labels[labels["attack"] != ""].groupby("host_ip")["window_start"].nunique()
    seen = rows[rows["attack"] != ""].groupby(["peer_ip", "host_ip"])["window_start_ts"].nunique().reset_index()
    often = seen[seen["window_start_ts"] >= MOST_LISTED * seen["host_ip"].map(lasting)]
    return sorted({*often["peer_ip"]} - {*rows.loc[rows["attack"] == "", "peer_ip"]})


def popular(activity: pa.Table, count: int) -> list[str]:
    """The peers outside that most hosts met."""
    hosts = outside(activity).groupby("peer_ip")["host_ip"].nunique()
    return [*hosts.sort_values(ascending=False, kind="stable").index[:count]]


def outside(activity: pa.Table) -> pd.DataFrame:
    """The keys of the pairs with peers outside."""
    rows = activity.select([*KEY, "peer_ip"]).to_pandas().astype({"host_ip": str, "peer_ip": str})
    peers = rows["peer_ip"].unique()
    inside = dict(zip(peers, are_internal(pa.array(peers, pa.string()), DEFAULT_INTERNAL_CIDRS), strict=True))
    found: pd.DataFrame = rows[~rows["peer_ip"].map(inside)]
    return found


def hits(pairs: ScoredRows, indicators: list[str]) -> pd.DataFrame:
    """Which hosts met an indicator in which window, and whether it is what is odd there (`main`)."""
    rows = pairs.evidence.rows.select([*KEY, "peer_ip"]).to_pandas().astype({"host_ip": str, "peer_ip": str})
    rows["sum"] = pairs.sums
    rows["main"] = (rows["sum"] > 0) & (rows["sum"] >= MAIN_SHARE * rows.groupby(KEY)["sum"].transform("max"))
    met = rows[rows["peer_ip"].isin(indicators)]
    found: pd.DataFrame = met.groupby(KEY, as_index=False)["main"].max()
    return found


def severities(values: Floats, past: Floats) -> Floats:
    """The severity of scores as a number, by the share of past ones that are as high; below the alert line, 0."""
    above = len(past) - np.searchsorted(np.sort(past), values, side="left")
    decades = -np.log10((above + 1) / (len(past) + 1))
    lines = sorted({*SEVERITIES.values(), -np.log10(ALERT_SHARE)} - {0.0})
    return np.searchsorted(lines, decades, side="right").astype(np.float64)


def orders(score: Score, past: Score, met: pd.DataFrame) -> dict[str, Score]:
    """The alerts in each order, as numbers that rise with it; what does not alert stays below."""
    keys, raw = list(score), np.array(list(score.values()))
    level = severities(raw, np.array(list(past.values())))
    main = dict(zip(zip(met["host_ip"], met["window_start_ts"], strict=True), met["main"], strict=True))
    any_hit = np.array([key in main for key in keys])
    main_hit = np.array([bool(main.get(key, False)) for key in keys])
    place = raw / (raw.max() + 1)

    def within(hit: Flags) -> Score:
        return dict(zip(keys, (level + 0.5 * (hit & (level > 0)) + 0.5 * place).tolist(), strict=True))

    by_score = dict(zip(keys, (raw + DECADE * any_hit).tolist(), strict=True))
    return {"without": score, "as cases are": within(main_hit), "any hit": within(any_hit), "in the score": by_score}


def row(labels: pd.DataFrame, trained: Trained, training: pa.Table, activity: pa.Table, false: int) -> list[str]:
    """The cells of a scored lake."""
    pairs, spread, of_pairs, of_spread = trained
    found, past = pairs.judge(activity), as_used(of_pairs, of_spread)
    score = as_used(found, spread.judge(activity))
    bad, clean = attackers(activity, labels)[::2], popular(training, false)
    met = hits(found, [*bad, *clean])
    every = orders(score, past, met)
    bound = float(np.quantile(np.array(list(past.values())), 1 - ALERT_SHARE))
    loud, louder = (alerting(every[name], bound) for name in ("without", "in the score"))
    attacked, hosts = {*labels.loc[labels["attack"] != "", "host_ip"]}, {*met["host_ip"]}
    cells = ["{:.3f} {}/{}".format(*figures(labels, order)) for order in every.values()]
    counts = f"{len(loud - attacked)} / {len(louder - attacked)}", f"{len(hosts)}", f"{len(hosts - loud)}"
    return [f"{len(bad)} + {len(clean)}", *cells, *counts]


def alerting(score: Score, bound: float) -> set[str]:
    """The hosts with a score above the bound."""
    return {host for (host, _), value in score.items() if value > bound}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train-lake", required=True, help="lake to train on")
    parser.add_argument("--score", action="append", required=True, metavar="NAME=LAKE:LABELS")
    parser.add_argument("--boundary", required=True, type=parse_moment, help="end of training, begin of the scored day")
    parser.add_argument("--days", type=int, default=7, help="days to train on")
    parser.add_argument("--false", type=int, default=20, help="popular peers that are false indicators")
    args = parser.parse_args()
    training = read(args.train_lake, Windows(args.boundary - timedelta(days=args.days), args.boundary))
    trained = fit(training)
    heads = ("variant", "indicators", "without", "as cases are", "any hit", "in the score", "clean alerts",
             "hosts that met one", "alone")  # fmt: skip
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for entry in args.score:
        name, _, rest = entry.partition("=")
        uri, _, path = rest.rpartition(":")
        activity = read(uri, Windows(args.boundary, args.boundary + timedelta(days=1)))
        labels = read_labels(Path(path), args.boundary)
        print(f"| `{name}` | {' | '.join(row(labels, trained, training, activity, args.false))} |", flush=True)


if __name__ == "__main__":
    main()
