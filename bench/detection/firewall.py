"""What more of a firewall's logs would do to the score: users, countries, categories and rules, as a table.

    python -m bench.detection.firewall --score quiet=LAKE:labels.csv --other LAKE --boundary 2024-03-12T00:08Z

The traces have none of these, so they are drawn by what is known of such logs; a rule is that of the destination's
segment. What attackers do is not known, so there are two ends: what they do is *apart*, or it is *as others*.

- The user of a session inside: a host has its own; on 3 in 100 days an administrator, one of five, works at it instead.
  Who logs in from there to attack uses one of 45 stolen accounts (apart), or that of the host.
- The country of a network, one of 40 in proportion to 1 / rank. Attackers are in one of 160 others (apart), or they are
  like others.
- The category of a network of the web, one of 60 in the same way. Of attackers, 7 in 10 are in one of three that 1 in
  300 other networks are in (apart), or they are like others.

All count as other rarities do: log2((hosts + 1) / (others + 1)) on the first day on which the host had
any, as -log10 of its upper tail among training rows of the same kind. What an attacker did is what the other lake, of
another variant with the same background, has not.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from deltalake import DeltaTable

from bench.detection.experiment import PARAMETERS, Score, alerting, figures, fit, read, read_labels, scores_of
from bench.detection.variants import network_of
from bench.detection.words import WEB
from common.arrays import Floats, Integers
from common.detection.calibration import UpperTail
from common.detection.pairs.evidence import PIECES, SPREADS
from common.detection.pairs.scoring import ScoredRows
from common.windows import Windows, parse_moment

PAIR = ["host_ip", "peer_ip", "peer_port"]
KEYS = [*PAIR, "window_start_ts"]
LOG_INS = ("log_ins", "moves", "lateral", "brute_force")
COUNTRIES, CATEGORIES, ADMINISTRATORS = 40, 60, 5
Draw = Callable[[pd.DataFrame, bool], "pd.Series[str]"]


def of_text(*parts: object) -> float:
    """A number from 0 to 1 that belongs to these words."""
    return zlib.crc32("|".join(map(str, parts)).encode()) / 2**32


def by_value(rows: pd.DataFrame, columns: list[str], drawn: Callable[..., object]) -> pd.Series:
    """What is drawn for each row, once for equal values of the columns."""
    values = rows[columns].drop_duplicates()
    found = pd.Series([drawn(*row) for row in values.itertuples(index=False, name=None)], values.index, dtype=object)
    return rows[columns].merge(values.assign(drawn=found), on=columns, how="left")["drawn"].set_axis(rows.index)


def users(rows: pd.DataFrame, apart: bool) -> pd.Series:
    """The user of a session inside, null of others."""

    def user(host: str, day: object, internal: bool, attack: str) -> str | None:
        if not internal:
            return None
        if attack in LOG_INS and apart:
            return f"stolen-{int(45 * of_text('stolen', host))}"
        if of_text("administered", host, day) < 0.03:
            return f"administrator-{int(ADMINISTRATORS * of_text('administrator', host, day))}"
        return host

    return by_value(rows, ["host_ip", "day", "internal", "attack"], user)


def countries(rows: pd.DataFrame, apart: bool) -> pd.Series:
    """The country of a network outside, null of others."""

    def country(network: str, internal: bool, stranger: bool) -> str | None:
        if internal:
            return None
        if stranger and apart:
            return f"far-{int(160 * of_text('far', network))}"
        return f"country-{int(COUNTRIES ** of_text('country', network))}"

    return by_value(rows, ["network", "internal", "stranger"], country)


def categories(rows: pd.DataFrame, apart: bool) -> pd.Series:
    """The category of a network of the web, null of others."""

    def category(network: str, web: bool, stranger: bool) -> str | None:
        if not web:
            return None
        odd = 0.7 if stranger and apart else 1 / 300
        if of_text("odd", network) < odd:
            return f"odd-{int(3 * of_text('which', network))}"
        return f"category-{int(CATEGORIES ** of_text('category', network))}"

    return by_value(rows, ["network", "web", "stranger"], category)


def rules(rows: pd.DataFrame, apart: bool) -> pd.Series:
    """The rule that let a session pass: that of the destination's segment."""
    return by_value(rows, ["network", "internal"], lambda network, internal: network if internal else "outside")


DRAWN: dict[str, Draw] = {"user": users, "country": countries, "category": categories, "rule": rules}


@dataclass(frozen=True)
class Rows:
    """Scored rows, and what firewalls say of them by their keys; `attack` is the name of what an attacker did."""

    scored: ScoredRows
    keys: pd.DataFrame

    def with_piece(self, values: Floats) -> ScoredRows:
        """The rows with one more piece, `said`."""
        return replace(
            self.scored, names=(*self.scored.names, "said"), pieces=np.column_stack([self.scored.pieces, values])
        )


def described(table: pa.Table, labels: pd.DataFrame, background: pd.DataFrame | None, known: set[str]) -> pd.DataFrame:
    """The keys of rows, with `attack` where the background has no such row, and whether the network is a `stranger`."""
    rows: pd.DataFrame = (
        table.select([*KEYS, "internal", "role"]).to_pandas().astype({"host_ip": str, "peer_ip": str, "role": str})
    )
    rows["network"] = by_value(rows, ["peer_ip"], network_of)
    rows["day"] = rows["window_start_ts"].dt.date
    rows["web"] = rows["peer_port"].isin(WEB) & ~rows["internal"]
    rows["attack"] = ""
    if background is not None:
        clean = rows[KEYS].merge(background.assign(clean=True), on=KEYS, how="left")["clean"].notna().to_numpy()
        named = labels[labels["attack"] != ""].rename(columns={"window_start": "window_start_ts"})
        attack = rows[KEYS].merge(named, on=["host_ip", "window_start_ts"], how="left")["attack"].fillna("").to_numpy()
        rows["attack"] = np.where(clean | (rows["role"] != "outbound"), "", attack)
    rows["stranger"] = (rows["attack"] != "") & ~rows["network"].isin(known)
    return rows


def rarity(before: pd.DataFrame, rows: pd.DataFrame, values: pd.Series, past: pd.Series) -> Floats:
    """log2((hosts + 1) / (others + 1)) of values on the first day on which a host had them, else 0."""
    every = pd.concat([before.assign(value=past), rows.assign(value=values)]).dropna(subset="value")
    first = every.groupby(["host_ip", "value"])["day"].min().rename("first").reset_index()
    counts = first.groupby(["value", "first"]).size().groupby(level=0).cumsum().rename("met").reset_index()
    own = rows[["host_ip", "day"]].assign(value=values).merge(first, on=["host_ip", "value"], how="left")
    met = own.merge(counts, on=["value", "first"], how="left")["met"].to_numpy()
    new = (own["day"] == own["first"]).to_numpy()
    hosts = every["host_ip"].nunique()
    return np.where(new, np.log2((hosts + 1) / np.where(new, met, 1)), 0.0)


def as_rare(training: Floats, scored: Floats, kinds: tuple[Integers, Integers]) -> tuple[Floats, Floats]:
    """-log10 of the upper tail of both among training rows of the same kind."""
    tails = {
        int(kind): UpperTail.fit(training[kinds[0] == kind], PARAMETERS.calibration) for kind in np.unique(kinds[0])
    }

    def rare(values: Floats, of_kind: Integers) -> Floats:
        found = np.zeros(len(values))
        for kind, tail in tails.items():
            mine = (of_kind == kind) & (values > 0)
            found[mine] = tail.neg_log10_p(values[mine], PARAMETERS.pairs.log10_max)
        return found

    return rare(training, kinds[0]), rare(scored, kinds[1])


def pieces(
    history: pd.DataFrame, training: Rows, scored: Rows
) -> Iterator[tuple[str, str, tuple[Floats, Floats] | None]]:
    """What each word adds to the rows of both, by the word and the end; None first, for nothing."""
    kinds = training.scored.evidence.kind, scored.scored.evidence.kind
    yield "nothing", "", None
    for end in ("apart", "as others"):
        for name, draw in DRAWN.items():
            drawn = [draw(rows, end == "apart") for rows in (history, training.keys, scored.keys)]
            past = rarity(history, training.keys, drawn[1], drawn[0])
            now = rarity(history, scored.keys, drawn[2], drawn[0])
            yield name, end, as_rare(past, now, kinds)


def together(pairs: Score, spread: Score) -> Score:
    """The raw scores of both members."""
    weights = PARAMETERS.weights
    return {
        key: weights.pairs * pairs.get(key, 0.0) + weights.spread * spread.get(key, 0.0) for key in {**pairs, **spread}
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--score", required=True, metavar="NAME=LAKE:LABELS")
    parser.add_argument("--other", required=True, help="lake of another variant with the same background")
    parser.add_argument("--boundary", required=True, type=parse_moment, help="end of training, begin of the scored day")
    parser.add_argument("--days", type=int, default=7, help="days to train on")
    args = parser.parse_args()
    variant, _, place = args.score.partition("=")
    uri, _, path = place.rpartition(":")
    before = read(uri, Windows(args.boundary - timedelta(days=args.days), args.boundary))
    pairs, spread, of_pairs, of_spread = fit(before)
    activity = read(uri, Windows(args.boundary, args.boundary + timedelta(days=1)))
    found, found_spread = pairs.judge(activity), spread.judge(activity)
    labels = read_labels(Path(path), args.boundary)
    background = DeltaTable(f"{args.other}/delta_pair").to_pyarrow_table(
        columns=KEYS, filters=[("date", "=", f"{args.boundary:%Y-%m-%d}")]
    )
    clean = background.to_pandas().drop_duplicates().astype({"host_ip": str, "peer_ip": str})
    history = described(before, labels, None, set())
    known = set(history["network"]) | set(clean["peer_ip"].map(network_of))
    training = Rows(of_pairs, described(of_pairs.evidence.rows, labels, None, known))
    scored = Rows(found, described(found.evidence.rows, labels, clean, known))
    past_spread, day_spread = (scores_of(of_spread, some, SPREADS) for some in (of_spread, found_spread))
    print("| variant | said | attackers | PR-AUC, hosts | that alert | clean of 1,000 |\n|---|---|---|---|---|---|")
    for name, end, added in pieces(history, training, scored):
        values = added or (np.zeros(len(training.keys)), np.zeros(len(scored.keys)))
        past, now = (rows.with_piece(some) for rows, some in zip((training, scored), values, strict=True))
        names = (*PIECES, "said")
        score, line = (
            together(scores_of(past, rows, names), of_counts)
            for rows, of_counts in ((now, day_spread), (past, past_spread))
        )
        clean_alerts, attacked = alerting(labels, score, line, args.boundary)
        print(f"| `{variant}` | {name} | {end} | {'{:.3f} {}/{}'.format(*figures(labels, score))} | {attacked} | "
              f"{clean_alerts:.0f} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
