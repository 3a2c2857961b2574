"""What pairs add to the predictions of some hosts and windows, and which pairs they are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from common.detection.pairs.activity import codes, read_activity
from common.detection.pairs.first_seen import NEWNESS
from common.detection.pairs.model import (
    SPREAD_WEIGHT,
    Judged,
    PairModel,
    joined,
    raw_scores,
    window_surprises,
)
from common.detection.pairs.scoring import EXCESSES, KINDS, PIECES, SPREADS, evenness
from common.lake.lake import Lake
from common.windows import Windows

PEERS_SHOWN = 5
SHOWN_SHARE = 0.25
PAIR_PREFIX, SPREAD_PREFIX = "pair_", "spread_"
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PairScores:
    """For each host and window: what pairs add to its raw score, the reasons, and its strongest pairs as JSON."""

    raw: Floats
    reasons: list[list[dict[str, Any]]]
    evidence: list[str]

    def part(self, start: int, count: int) -> PairScores:
        """Those of `count` rows from the one with number `start`."""
        end = start + count
        return PairScores(self.raw[start:end], self.reasons[start:end], self.evidence[start:end])


def score_pairs(
    model: PairModel, lake: Lake, windows: Windows, internal_cidrs: Sequence[str], keys: pa.Table
) -> PairScores:
    """The scores of the keys (hosts and windows, all in those windows), in their order.

    Raises:
        TableError: `delta_pair` or `pair_days` is missing or unreadable.
    """
    parts = list(read_activity(lake, windows, internal_cidrs))
    if not parts:
        return PairScores(np.zeros(len(keys)), [[] for _ in range(len(keys))], ["[]"] * len(keys))
    pairs, spread = model.judge(pa.concat_tables(parts).combine_chunks())
    found = joined(keys, window_surprises(pairs, spread))
    return PairScores(raw_scores(found), _reasons(found, pairs, spread), _evidence(keys, pairs))


def natural(name: str, value: float, sessions: float = 0.0) -> float:
    """A quantity in the unit that people count in: sessions, failed sessions by their share, bytes, evenness.

    `sessions` are those of 24 hours, which say what evenness a regularity means.
    """
    if name.startswith("regular"):
        return float(min(value / max(sessions - 1.0, 1.0) ** 0.5, 1.0))
    if name.startswith("net_sent"):
        return float(10.0**value - 1.0)
    return float(value**2) if name in EXCESSES else float(10.0**value - 1.0)


def _reasons(found: pa.Table, pairs: Judged, spread: Judged) -> list[list[dict[str, Any]]]:
    """For each row of the found surprises the pieces that made it, with what they add to the raw score."""
    shown = _shown_values(pairs)
    counts = {name: spread.rows[name].to_numpy() for name in SPREADS}
    reasons: list[list[dict[str, Any]]] = []
    for surprise, row, other, other_row in zip(*(column.to_pylist() for column in found.columns), strict=True):
        entries = []
        if surprise > 0 and row >= 0:
            shares = _shares(pairs.pieces[row]) * surprise
            for name, share in zip(PIECES, shares, strict=True):
                if share > 0:
                    usual = _most(pairs, name, row) if name in EXCESSES else 0.0
                    kind = KINDS[pairs.kind[row]]
                    entries.append(_reason(f"{PAIR_PREFIX}{name}", kind, shown[name][row], usual, share))
        if other > 0 and other_row >= 0:
            shares = _shares(spread.pieces[other_row]) * other * SPREAD_WEIGHT
            for name, share in zip(SPREADS, shares, strict=True):
                if share > 0:
                    usual = natural(name, spread.ceilings[name][other_row])
                    kind = KINDS[spread.kind[other_row]]
                    entries.append(_reason(f"{SPREAD_PREFIX}{name}", kind, counts[name][other_row], usual, share))
        reasons.append(entries)
    return reasons


def _shown_values(pairs: Judged) -> dict[str, Floats]:
    """What a reader is told of each piece: the counts themselves, and rarity in bits."""
    rows = pairs.rows
    values = {f"{what}_rarity": rows[f"{what}_bits"].to_numpy() for what in NEWNESS}
    values |= {"failed_24h": rows["failed_day"].to_numpy(), "sessions_24h": rows["sessions_day"].to_numpy()}
    values |= {"sessions_15m": rows["sessions"].to_numpy(), "slices_24h": rows["slices_day"].to_numpy()}
    net = np.maximum(rows["sent_day"].to_numpy() - rows["received_day"].to_numpy(), 0.0)
    mean = net / np.maximum(rows["sessions_day"].to_numpy(), 1.0)
    even = evenness(rows)
    return values | {
        "net_sent_24h": net, "net_sent_mean_24h": mean, "regular_24h": even, "regular_new_24h": even,
    }  # fmt: skip


def _most(pairs: Judged, name: str, row: int) -> float:
    """The ceiling of a quantity for that row, in the unit that people count in."""
    return natural(name, float(pairs.ceilings[name][row]), pairs.rows["sessions_day"][row].as_py())


def _reason(name: str, kind: str, value: float, usual: float, added: float) -> dict[str, Any]:
    number = {"value": float(f"{value:.7g}"), "baseline_median": float(f"{max(usual, 0.0):.7g}")}
    return {"feature": name, "kind": kind, **number, "contribution": round(float(added), 6)}


def _shares(pieces: Floats) -> Floats:
    total = pieces.sum()
    return np.asarray(pieces / total if total > 0 else pieces)


def _evidence(keys: pa.Table, pairs: Judged) -> list[str]:
    """The strongest pairs of each key as a JSON list, strongest first."""
    at, known = codes(keys, pairs.rows, columns=["host_ip", "window_start_ts"])
    sums = pairs.sums
    order = np.lexsort((-sums, known))
    first = np.searchsorted(known[order], at)
    texts = []
    for key, start in zip(at, first, strict=True):
        entries = []
        for place in order[start : start + PEERS_SHOWN]:
            if known[place] != key or sums[place] <= SHOWN_SHARE * sums[order[start]] or sums[place] <= 0:
                break
            entries.append(_entry(pairs, int(place)))
        texts.append(json.dumps(entries, allow_nan=False))
    return texts


def _entry(pairs: Judged, row: int) -> dict[str, Any]:
    """One pair: who, what was new in it and to how many others it is not, what it did, what was the most so far."""
    told = {name: pairs.rows[name][row].as_py() for name in ("peer_ip", "peer_port")}
    numbers = ("sessions", "failed", "sent", "received", "sessions_day", "failed_day", "sent_day", "received_day",
               "slices_day")  # fmt: skip
    return {
        **told,
        "kind": KINDS[pairs.kind[row]],
        "decades": round(float(pairs.pieces[row].sum()), 4),
        "new": [what for what in NEWNESS if pairs.rows[f"{what}_new"][row].as_py()],
        "others": {what: pairs.rows[f"{what}_others"][row].as_py() for what in NEWNESS},
        **{name: int(pairs.rows[name][row].as_py()) for name in numbers},
        "most": {name: round(_most(pairs, name, row), 2) for name in EXCESSES},
        "pieces": {
            name: round(float(value), 3) for name, value in zip(PIECES, pairs.pieces[row], strict=True) if value > 0
        },
    }
