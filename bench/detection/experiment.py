"""Which pieces of pair evidence find what: PR-AUC of subsets of the pieces on labelled lakes, as a table.

    python -m bench.detection.experiment --train-lake LAKE --score web=LAKE:labels.csv ... --boundary 2024-03-12T00:08Z

A lake needs `delta_pair` and `pair_days`. Trained is on the days before the boundary of the first lake, scored the day
after it of each of the others; without `--train-lake` each is trained on its own days. The last row is of the score as
used: hosts without an attack that alert on the scored day, per 1,000 of them, at the score that 1 in 1,000 training
windows exceeds.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from common.config.project import DEFAULT_INTERNAL_CIDRS
from common.detection.calibration.per_host import HostSurvival
from common.detection.pairs.activity import codes, read_activity
from common.detection.pairs.first_seen import NEWNESS
from common.detection.pairs.model import Judged, PairModel, raw_scores, window_surprises
from common.detection.pairs.numbering import slice_numbers
from common.detection.pairs.scoring import EXCESSES, KINDS, PIECES, SPREADS, strongest
from common.features.spec import load_spec
from common.lake.lake import Lake
from common.windows import Windows, parse_moment

BUDGET = 20
RARITIES = tuple(f"{what}_rarity" for what in NEWNESS)
REGULARITY = ("regular_24h", "regular_new_24h")
ALERT_SHARE = 0.001
USED = "pairs and spread (as used)"
SUBSETS: dict[str, tuple[str, ...]] = {
    "peer rarity": ("peer_rarity",),
    "network rarity": ("network_rarity",),
    "service rarity": ("service_rarity",),
    "all rarities": RARITIES,
    "failed sessions": ("failed_24h",),
    "regularity": REGULARITY,
    "net bytes sent": ("net_sent_24h", "net_sent_mean_24h"),
    "all excesses": EXCESSES,
    "rarities and failed sessions": (*RARITIES, "failed_24h"),
    "all pieces but regularity": tuple(name for name in PIECES if name not in REGULARITY),
    "all pieces": PIECES,
    "spread": SPREADS,
}
Floats = NDArray[np.float64]
Score = dict[tuple[str, pd.Timestamp], float]


def best_of(
    judged: Judged, pieces: tuple[str, ...], named: tuple[str, ...]
) -> tuple[Floats, NDArray[Any], pd.DataFrame]:
    """The sums of the strongest row of each host, window and kind, their kinds, and the rows' keys."""
    sums = judged.pieces[:, [named.index(name) for name in pieces]].sum(axis=1)
    (hosts,) = codes(judged.rows, columns=["host_ip"])
    best = strongest(sums, hosts, slice_numbers(judged.rows["window_start_ts"]), judged.kind)
    keys = judged.rows.select(["host_ip", "window_start_ts"]).take(pa.array(best)).to_pandas()
    return sums[best], judged.kind[best], keys


def surprises(
    training: Judged, scored: Judged, pieces: tuple[str, ...], named: tuple[str, ...], calibrated: bool = True
) -> Score:
    """The largest surprise of each host and window of the scored rows, or the largest sum."""
    past, past_kind, past_keys = best_of(training, pieces, named)
    sums, kind, keys = best_of(scored, pieces, named)
    found = sums.copy()
    for number in range(len(KINDS)) if calibrated else ():
        mine, before = kind == number, past_kind == number
        if mine.any():
            hosts = past_keys["host_ip"].to_numpy()[before]
            survival = HostSurvival.fit(past[before], hosts) if before.any() else None
            here = keys["host_ip"].to_numpy()[mine]
            found[mine] = survival.surprise(sums[mine], here) if survival else 0.0
    rows = (
        keys.assign(score=np.where(sums > 0, found, 0.0)).groupby(["host_ip", "window_start_ts"], as_index=False).max()
    )
    return dict(zip(zip(rows["host_ip"], rows["window_start_ts"], strict=True), rows["score"], strict=True))


def figures(labels: pd.DataFrame, score: Mapping[tuple[str, pd.Timestamp], float]) -> tuple[float, int, int]:
    """PR-AUC, attacked hosts among the best `BUDGET`, one window a host, and all attacked hosts."""
    keys = zip(labels["host_ip"], labels["window_start"], strict=True)
    values = np.array([score.get(key, 0.0) for key in keys])
    truth = (labels["attack"] != "").to_numpy()
    order = labels.assign(value=values, truth=truth).sample(frac=1, random_state=0).sort_values("value", kind="stable")
    best = order[::-1].drop_duplicates("host_ip").head(BUDGET)
    return average_precision_score(truth, values), int(best["truth"].sum()), labels.loc[truth, "host_ip"].nunique()


def read(uri: str, windows: Windows) -> pa.Table:
    """The pair activity of the windows."""
    parts = list(read_activity(Lake(uri, load_spec("v1")), windows, DEFAULT_INTERNAL_CIDRS))
    return pa.concat_tables(parts).combine_chunks()


def read_labels(path: Path, since: datetime) -> pd.DataFrame:
    """The labels of the windows from that time on."""
    labels = pd.read_csv(path, keep_default_na=False)
    labels["window_start"] = pd.to_datetime(labels["window_start"], utc=True).astype("datetime64[us, UTC]")
    return labels[labels["window_start"] >= since].reset_index(drop=True)


def as_used(pairs: Judged, spread: Judged) -> Score:
    """What pairs add to the raw score of each host and window."""
    found = window_surprises(pairs, spread)
    keys = found.select(["host_ip", "window_start_ts"]).to_pandas()
    return dict(zip(zip(keys["host_ip"], keys["window_start_ts"], strict=True), raw_scores(found), strict=True))


def alerting(labels: pd.DataFrame, score: Score, past: Score) -> float:
    """Hosts without an attack that exceed what `ALERT_SHARE` of the past windows exceed, per 1,000 of them."""
    bound = np.quantile(np.array(list(past.values())), 1 - ALERT_SHARE)
    attacked = set(labels.loc[labels["attack"] != "", "host_ip"])
    clean = set(labels["host_ip"]) - attacked
    return 1_000 * len({host for (host, _), value in score.items() if value > bound and host in clean}) / len(clean)


def column(labels: pd.DataFrame, trained: tuple[PairModel, Judged, Judged], activity: pa.Table) -> dict[str, str]:
    """The cells of one scored lake, by what they are of."""
    model, pairs, spread = trained
    found_pairs, found_spread = model.judge(activity)
    scores = {
        what: surprises(spread, found_spread, pieces, SPREADS)
        if what == "spread"
        else surprises(pairs, found_pairs, pieces, PIECES)
        for what, pieces in SUBSETS.items()
    }
    scores["all pieces, uncalibrated"] = surprises(pairs, found_pairs, PIECES, PIECES, calibrated=False)
    scores[USED] = as_used(found_pairs, found_spread)
    cells = {what: "{:.3f} {}/{}".format(*figures(labels, score)) for what, score in scores.items()}
    return cells | {"clean hosts alerting": f"{alerting(labels, scores[USED], as_used(pairs, spread)):.0f}"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train-lake", help="lake to train on; each scored one by default")
    parser.add_argument("--score", action="append", required=True, metavar="NAME=LAKE:LABELS")
    parser.add_argument("--boundary", required=True, type=parse_moment, help="end of training, begin of the scored day")
    parser.add_argument("--days", type=int, default=7, help="days to train on")
    args = parser.parse_args()
    scored = Windows(args.boundary, args.boundary + timedelta(days=1))
    training = Windows(args.boundary - timedelta(days=args.days), args.boundary)
    common = PairModel.fit(read(args.train_lake, training)) if args.train_lake else None
    table: dict[str, dict[str, str]] = {}
    for entry in args.score:
        name, _, rest = entry.partition("=")
        uri, _, path = rest.rpartition(":")
        trained = common or PairModel.fit(read(uri, training))
        table[name] = column(read_labels(Path(path), args.boundary), trained, read(uri, scored))
    print(f"| evidence | {' | '.join(table)} |\n|---|{'---|' * len(table)}")
    for what in next(iter(table.values())):
        print(f"| {what} | {' | '.join(cells[what] for cells in table.values())} |")


if __name__ == "__main__":
    main()
