"""Which pieces of pair evidence find what: PR-AUC of subsets of the pieces on labelled lakes, as a table.

    python -m bench.detection.experiment --train-lake LAKE --score web=LAKE:labels.csv ... --boundary 2024-03-12T00:08Z

A lake needs `delta_pair` and `pair_days`. The model is trained on the days of `--train-lake` before the boundary, and
scores the day after it of each other lake; without `--train-lake` each lake is trained on its own days. Hosts count in
windows in which they began an attack; windows in which they were its target alone count neither way. The last rows are
of the score as used: hosts without an attack that alert on the scored day, per 1,000 of them, and attacked hosts that
do, at the alert line of a model, of pairs and spread alone.
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

from common.address_codes import address_codes
from common.arrays import Floats, Integers
from common.config.project import DEFAULT_INTERNAL_CIDRS
from common.detection.alerts.terms import ALERT_SCORE
from common.detection.calibration import ScoreQuantiles
from common.detection.host_p_values import HostPValues
from common.detection.members.pairs import PairsMember, pair_samples, windows_of
from common.detection.members.spread import SpreadMember
from common.detection.pairs.activity import read_activity
from common.detection.pairs.evidence import (
    EXCESSES,
    KINDS,
    PIECES,
    RARITIES,
    SPREADS,
    pair_evidence,
    spread_evidence,
    spreads,
)
from common.detection.pairs.fitting import fit as learn
from common.detection.pairs.owners import OwnersFile, read_owners
from common.detection.pairs.scoring import ScoredRows, strongest
from common.detection.parameters import current_parameters
from common.features.spec import load_spec
from common.lake.lake import Lake
from common.windows import Windows, parse_moment

BUDGET = 20
TARGET = ":target"
REGULARITY = ("regular_24h", "regular_new_24h")
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
PARAMETERS = current_parameters()
Score = dict[tuple[str, pd.Timestamp], float]
Trained = tuple[PairsMember, SpreadMember, ScoredRows, ScoredRows]


def best_of(scored: ScoredRows, pieces: tuple[str, ...]) -> tuple[Floats, NDArray[Any], pd.DataFrame]:
    """The sums of the strongest row of each host, window and kind, their kinds, and the rows' keys."""
    sums = scored.pieces[:, [scored.names.index(name) for name in pieces]].sum(axis=1)
    best = strongest(sums, scored.evidence)
    keys = scored.evidence.rows.select(["host_ip", "window_start_ts"]).take(pa.array(best)).to_pandas()
    return sums[best], scored.evidence.kind[best], keys.astype({"host_ip": str})


def host_codes(keys: pd.DataFrame) -> Integers:
    """The codes of the hosts of rows."""
    return address_codes(pa.array(keys["host_ip"], pa.string()))


def scores_of(training: ScoredRows, scored: ScoredRows, pieces: tuple[str, ...], calibrated: bool = True) -> Score:
    """The highest score of each host and window by some pieces alone, or their largest sum."""
    past, past_kind, past_keys = best_of(training, pieces)
    sums, kind, keys = best_of(scored, pieces)
    found = sums.copy()
    for number in range(len(KINDS)) if calibrated else ():
        mine, before = kind == number, past_kind == number
        if mine.any():
            hosts, here = host_codes(past_keys[before]), host_codes(keys[mine])
            known = HostPValues.fit(past[before], hosts, PARAMETERS.calibration) if before.any() else None
            found[mine] = known.neg_log10_p(sums[mine], here) if known else 0.0
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


def read(uri: str, windows: Windows, owners: OwnersFile | None = None) -> pa.Table:
    """The pair activity of the windows."""
    lake = Lake(uri, load_spec("v1"))
    parts = list(read_activity(lake, windows, DEFAULT_INTERNAL_CIDRS, PARAMETERS.pairs, owners=owners))
    return pa.concat_tables(parts).combine_chunks()


def read_labels(path: Path, since: datetime) -> pd.DataFrame:
    """The labels of the windows from that time on, without those of targets (`ATTACK:target`) alone."""
    labels = pd.read_csv(path, keep_default_na=False)
    labels["window_start"] = pd.to_datetime(labels["window_start"], utc=True).astype("datetime64[us, UTC]")
    began = labels["attack"].str.split("+").map(lambda names: any(not name.endswith(TARGET) for name in names))
    return labels[(labels["window_start"] >= since) & began].reset_index(drop=True)


def fit(activity: pa.Table) -> Trained:
    """Both members of the pairs of a training range, and its rows as they were scored."""
    known = pair_samples(activity, PARAMETERS.pairs).activity
    of_pairs, of_spread = pair_evidence(known, PARAMETERS.pairs), spread_evidence(spreads(known))
    pairs, spread = learn([lambda: of_pairs], PARAMETERS), learn([lambda: of_spread], PARAMETERS)
    return PairsMember(pairs.model), SpreadMember(spread.model), pairs.rows(0), spread.rows(0)


def as_used(pairs: ScoredRows, spread: ScoredRows) -> Score:
    """What pairs and spread add to the raw score of each host and window."""
    keys, weights = windows_of(pairs.evidence.rows), PARAMETERS.weights
    raw = weights.pairs * pairs.of(keys) + weights.spread * spread.of(keys)
    names = keys.to_pandas()
    return dict(zip(zip(names["host_ip"], names["window_start_ts"], strict=True), raw, strict=True))


def alert_line(past: Score, boundary: datetime) -> ScoreQuantiles:
    """The calibration of a model with such scores in training. Days of hosts end at the time of day of the boundary."""
    days = (pd.DatetimeIndex([window for _, window in past]) - boundary) // pd.Timedelta(days=1)
    hosts = pd.factorize(np.array([host for host, _ in past]))[0]
    host_days = hosts * (np.ptp(days) + 1) + days - days.min()
    return ScoreQuantiles.of_host_days(
        np.array(list(past.values())), np.asarray(host_days), ALERT_SCORE, PARAMETERS.calibration
    )


def alerting(labels: pd.DataFrame, score: Score, past: Score, boundary: datetime) -> tuple[float, int]:
    """Hosts without an attack that alert, per 1,000 of them, and how many attacked hosts do."""
    calibration = alert_line(past, boundary)
    scores = calibration.anomaly_score(np.array(list(score.values())))
    alerts = {host for (host, _), value in zip(score, scores, strict=True) if value >= ALERT_SCORE}
    attacked = set(labels.loc[labels["attack"] != "", "host_ip"])
    clean = set(labels["host_ip"]) - attacked
    return 1_000 * len(alerts & clean) / len(clean), len(alerts & attacked)


def column(
    labels: pd.DataFrame,
    trained: Trained,
    activity: pa.Table,
    subsets: Mapping[str, tuple[str, ...]],
    boundary: datetime,
) -> dict[str, str]:
    """The cells of one scored lake, by what they are of."""
    pairs, spread, of_pairs, of_spread = trained
    found_pairs, found_spread = pairs.judge(activity), spread.judge(activity)
    scores = {
        what: scores_of(of_spread, found_spread, pieces)
        if what == "spread"
        else scores_of(of_pairs, found_pairs, pieces)
        for what, pieces in subsets.items()
    }
    if subsets:
        scores["all pieces, uncalibrated"] = scores_of(of_pairs, found_pairs, PIECES, calibrated=False)
    scores[USED] = as_used(found_pairs, found_spread)
    cells = {what: "{:.3f} {}/{}".format(*figures(labels, score)) for what, score in scores.items()}
    clean, attacked = alerting(labels, scores[USED], as_used(of_pairs, of_spread), boundary)
    return cells | {"clean hosts alerting": f"{clean:.0f}", "attacked hosts alerting": str(attacked)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train-lake", help="lake to train on; each scored one by default")
    parser.add_argument("--score", action="append", required=True, metavar="NAME=LAKE:LABELS")
    parser.add_argument("--boundary", required=True, type=parse_moment, help="end of training, begin of the scored day")
    parser.add_argument("--days", type=int, default=7, help="days to train on")
    parser.add_argument("--scored-days", type=int, default=1, help="days to score")
    parser.add_argument("--owners", help="MMDB file that says who owns networks")
    parser.add_argument("--used-only", action="store_true", help="only the score as used")
    args = parser.parse_args()
    scored = Windows(args.boundary, args.boundary + timedelta(days=args.scored_days))
    subsets, owners = {} if args.used_only else SUBSETS, read_owners(args.owners)
    training = Windows(args.boundary - timedelta(days=args.days), args.boundary)
    common = fit(read(args.train_lake, training, owners)) if args.train_lake else None
    table: dict[str, dict[str, str]] = {}
    for entry in args.score:
        name, _, rest = entry.partition("=")
        uri, _, path = rest.rpartition(":")
        trained = common or fit(read(uri, training, owners))
        labels = read_labels(Path(path), args.boundary)
        table[name] = column(labels, trained, read(uri, scored, owners), subsets, args.boundary)
    print(f"| evidence | {' | '.join(table)} |\n|---|{'---|' * len(table)}")
    for what in next(iter(table.values())):
        print(f"| {what} | {' | '.join(cells[what] for cells in table.values())} |")


if __name__ == "__main__":
    main()
