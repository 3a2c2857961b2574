"""Why pairs are anomalous: each piece of evidence with its prior maximum, and the strongest pairs by name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
import pyarrow as pa

from common.arrays import Flags, Floats, Integers
from common.detection.explanation import PieceExplanation
from common.detection.pairs.coded_columns import codes
from common.detection.pairs.evidence import EXCESSES, KINDS, NOVELTIES, SPREADS, THREAT
from common.detection.pairs.regularity import evenness, lasting_evenness, lasting_gaps
from common.detection.pairs.scoring import ScoredRows
from common.detection.pairs.words import WORDS
from common.detection.parameters import PairParameters
from common.threats import SEVERITIES, SEVERITY

# the row of each key, and which keys have one
Strongest = tuple[Integers, Flags]
ALL_NOVELTIES = (*NOVELTIES, *WORDS)
PEERS_SHOWN = 5
SHOWN_SHARE = 0.25
LOG10_SHOWN = 300.0  # far above any quantity, and below where float64 ends
COUNTS = ("sessions", "failed", "sent", "received", "sessions_day", "failed_day", "sent_day", "received_day",
          "slices_day", "lasting_windows")  # fmt: skip


def explain_pairs(
    keys: pa.Table, scored: ScoredRows, strongest: Strongest, parameters: PairParameters
) -> PieceExplanation:
    """For each key (a host and a window) the score of its strongest pair, and what its pieces contributed."""
    found = _explained(scored, strongest, "pair_", lambda rows: _shown_values(rows, parameters))
    return replace(found, strongest_pairs=_strongest_pairs(keys, scored, strongest))


def explain_spread(scored: ScoredRows, strongest: Strongest) -> PieceExplanation:
    """For each key the score of its strongest counts, and what each count contributed."""
    return _explained(scored, strongest, "spread_", lambda rows: {name: rows[name].to_numpy() for name in SPREADS})


def natural(name: str, values: Floats, rows: pa.Table) -> Floats:
    """A quantity in natural units: sessions, failed sessions by their share, bytes, days, evenness.

    `rows` are those of the pairs, whose sessions or days say what evenness a regularity means.
    """
    if name.startswith("regular"):
        sessions = rows["sessions_day"].to_numpy()
        return np.asarray(np.minimum(values / np.sqrt(np.maximum(sessions - 1.0, 1.0)), 1.0))
    if name == "lasting_even":
        gaps, _, days = lasting_gaps(rows)
        return np.asarray(np.minimum(values / np.sqrt(np.maximum(gaps * days, 1.0)), 1.0))
    if name == "lasting_days":
        return values
    if name in EXCESSES and not name.startswith("net_sent"):
        return values**2
    return np.asarray(10.0 ** np.minimum(values, LOG10_SHOWN) - 1.0)


def _explained(
    scored: ScoredRows, strongest: Strongest, prefix: str, shown: Callable[[pa.Table], Mapping[str, Floats]]
) -> PieceExplanation:
    """The scores of the keys' strongest rows, each shared out in proportion to the row's pieces."""
    row, found = strongest
    shape = (len(row), len(scored.names))
    contributions, values, most = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    scores, lowered_by = np.zeros(len(row)), np.zeros(len(row))
    scores[found], lowered_by[found] = scored.scores[row[found]], scored.lowered_by[row[found]]
    scoring = np.flatnonzero(scores > 0)
    of_row = row[scoring]
    pieces, rows = scored.pieces[of_row], scored.evidence.rows.take(pa.array(of_row))
    contributions[scoring] = pieces / scored.sums[of_row, None] * scores[scoring, None]
    said = {name: bits[of_row] for name, bits in scored.evidence.rarities.items()} | dict(shown(rows))
    if scored.evidence.threat is not None:
        said[THREAT] = scored.evidence.threat[of_row].astype(np.float64)
    for column, name in enumerate(scored.names):
        added = pieces[:, column] > 0
        values[scoring, column] = np.where(added, said[name], 0.0)
        if name in scored.maxima:
            usual = natural(name, scored.maxima[name][of_row], rows)
            most[scoring, column] = np.where(added, usual, 0.0)
    kinds = [KINDS[scored.evidence.kind[place]] if there else "" for place, there in zip(row, found, strict=True)]
    inputs = tuple(f"{prefix}{name}" for name in scored.names)
    return PieceExplanation(inputs, scores, contributions, values, most, kinds, lowered_by)


def _shown_values(rows: pa.Table, parameters: PairParameters) -> dict[str, Floats]:
    """The value shown for each piece but the rarities, which are in bits: counts as they are."""
    values = {"failed_24h": rows["failed_day"].to_numpy(), "sessions_24h": rows["sessions_day"].to_numpy()}
    values |= {"sessions_15m": rows["sessions"].to_numpy(), "slices_24h": rows["slices_day"].to_numpy()}
    net = np.maximum(rows["sent_day"].to_numpy() - rows["received_day"].to_numpy(), 0.0)
    mean = net / np.maximum(rows["sessions_day"].to_numpy(), 1.0)
    even = evenness(rows, parameters.regular_sessions)
    steady, _ = lasting_evenness(rows)
    return values | {
        "net_sent_24h": net, "net_sent_mean_24h": mean, "regular_24h": even, "regular_new_24h": even,
        "lasting_even": steady, "lasting_days": lasting_gaps(rows)[2],
    }  # fmt: skip


def _strongest_pairs(keys: pa.Table, scored: ScoredRows, strongest: Strongest) -> list[str]:
    """The strongest pairs of each key as a JSON list: first that which its reasons are about, then by their sums."""
    at, known = codes(keys, scored.evidence.rows, columns=["host_ip", "window_start_ts"])
    row, found = strongest
    told = np.zeros(len(scored.sums), dtype=bool)
    told[row[found]] = True
    some = np.flatnonzero(scored.sums > 0)
    some = some[np.lexsort((-scored.sums[some], ~told[some], known[some]))]
    sums, key = scored.sums[some], known[some]
    first = np.searchsorted(key, key)
    shown = (np.arange(len(some)) - first < PEERS_SHOWN) & (sums > SHOWN_SHARE * sums[first])
    shown |= told[some]
    each = zip(key[shown].tolist(), _pairs(scored, some[shown]), strict=True)
    texts = {number: json.dumps([pair for _, pair in of_key], allow_nan=False)
             for number, of_key in groupby(each, itemgetter(0))}  # fmt: skip
    return [texts.get(number, "[]") for number in at.tolist()]


def _pairs(scored: ScoredRows, rows: Integers) -> Iterator[dict[str, Any]]:
    """Pairs: who, whose network that is in and what logs say of it, where that is known; what was new in it and to how
    many others it is not, what it did, and the prior maxima.

    Of an odd `habit` of the host, these are what others reached, and the others are those that have met it by now.
    """
    table = scored.evidence.rows.take(pa.array(rows))
    most = {name: natural(name, scored.maxima[name][rows], table).tolist() for name in EXCESSES}
    new = {what: table[f"{what}_new"].to_pylist() for what in ALL_NOVELTIES}
    habit = scored.evidence.habit[rows]
    others = {
        what: np.where(habit, table[f"{what}_others_now"], table[f"{what}_others"]).tolist() for what in ALL_NOVELTIES
    }
    counts = {name: table[name].to_numpy().astype(np.int64).tolist() for name in COUNTS}
    ends = {name: table[name].to_pylist() for name in ("peer_ip", "peer_port")}
    named = {name: table[name].to_pylist() for name in ("owner", *WORDS)}
    named[THREAT] = [SEVERITIES[number - 1] if number else None for number in table[SEVERITY].to_pylist()]
    kinds, pieces, sums = scored.evidence.kind[rows].tolist(), scored.pieces[rows].tolist(), scored.sums[rows].tolist()
    for place in range(len(rows)):
        known = {name: values[place] for name, values in named.items() if values[place]}
        yield {
            **{name: values[place] for name, values in ends.items()},
            **known,
            "kind": KINDS[kinds[place]],
            "habit": bool(habit[place]),
            "decades": round(sums[place], 4),
            "new": [what for what in ALL_NOVELTIES if new[what][place]],
            "others": {what: values[place] for what, values in others.items() if what in known or what not in named},
            **{name: values[place] for name, values in counts.items()},
            "most": {name: round(values[place], 2) for name, values in most.items()},
            "pieces": {
                name: round(piece, 3) for name, piece in zip(scored.names, pieces[place], strict=True) if piece > 0
            },
        }
