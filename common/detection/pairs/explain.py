"""Why pairs are anomalous: each piece of evidence with its prior maximum, and the strongest pairs by name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from common.arrays import Flags, Floats, Integers
from common.detection.explanation import PieceExplanation
from common.detection.pairs.evidence import EXCESSES, KINDS, NOVELTIES, SPREADS, codes, evenness
from common.detection.pairs.scoring import ScoredRows
from common.detection.parameters import PairParameters

# the row of each key, and which keys have one
Strongest = tuple[Integers, Flags]
PEERS_SHOWN = 5
SHOWN_SHARE = 0.25
LOG10_SHOWN = 300.0  # far above any quantity, and below where float64 ends
COUNTS = ("sessions", "failed", "sent", "received", "sessions_day", "failed_day", "sent_day", "received_day",
          "slices_day")  # fmt: skip


def explain_pairs(
    keys: pa.Table, scored: ScoredRows, strongest: Strongest, parameters: PairParameters
) -> PieceExplanation:
    """For each key (a host and a window) the score of its strongest pair, and what its pieces contributed."""
    sessions = scored.evidence.rows["sessions_day"].to_numpy()
    shown = _shown_values(scored.evidence.rows, parameters)

    def usual(name: str, row: int) -> float:
        return natural(name, float(scored.maxima[name][row]), float(sessions[row])) if name in EXCESSES else 0.0

    found = _explained(scored, strongest, "pair_", shown, usual)
    return replace(found, strongest_pairs=_strongest_pairs(keys, scored))


def explain_spread(scored: ScoredRows, strongest: Strongest) -> PieceExplanation:
    """For each key the score of its strongest counts, and what each count contributed."""
    shown = {name: scored.evidence.rows[name].to_numpy() for name in SPREADS}
    return _explained(scored, strongest, "spread_", shown, lambda name, row: natural(name, scored.maxima[name][row]))


def natural(name: str, value: float, sessions: float = 0.0) -> float:
    """A quantity in natural units: sessions, failed sessions by their share, bytes, evenness.

    `sessions` are those of 24 hours, which say what evenness a regularity means.
    """
    if name.startswith("regular"):
        return float(min(value / max(sessions - 1.0, 1.0) ** 0.5, 1.0))
    if name in EXCESSES and not name.startswith("net_sent"):
        return float(value**2)
    return float(10.0 ** min(value, LOG10_SHOWN) - 1.0)


def _explained(
    scored: ScoredRows,
    strongest: Strongest,
    prefix: str,
    shown: Mapping[str, Floats],
    usual: Callable[[str, int], float],
) -> PieceExplanation:
    """The scores of the keys' strongest rows, each shared out in proportion to the row's pieces."""
    row, found = strongest
    shape = (len(row), len(scored.names))
    contributions, values, most = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    scores = np.zeros(len(row))
    scores[found] = scored.scores[row[found]]
    for at in np.flatnonzero(scores > 0):
        pieces = scored.pieces[row[at]]
        contributions[at] = pieces / pieces.sum() * scores[at]
        for column in np.flatnonzero(pieces > 0):
            name = scored.names[column]
            values[at, column], most[at, column] = shown[name][row[at]], usual(name, int(row[at]))
    kinds = [KINDS[scored.evidence.kind[place]] if there else "" for place, there in zip(row, found, strict=True)]
    inputs = tuple(f"{prefix}{name}" for name in scored.names)
    return PieceExplanation(inputs, scores, contributions, values, most, kinds)


def _shown_values(rows: pa.Table, parameters: PairParameters) -> dict[str, Floats]:
    """The value shown for each piece: counts as they are, and rarity in bits."""
    values = {f"{what}_rarity": rows[f"{what}_bits"].to_numpy() for what in NOVELTIES}
    values |= {"failed_24h": rows["failed_day"].to_numpy(), "sessions_24h": rows["sessions_day"].to_numpy()}
    values |= {"sessions_15m": rows["sessions"].to_numpy(), "slices_24h": rows["slices_day"].to_numpy()}
    net = np.maximum(rows["sent_day"].to_numpy() - rows["received_day"].to_numpy(), 0.0)
    mean = net / np.maximum(rows["sessions_day"].to_numpy(), 1.0)
    even = evenness(rows, parameters.regular_sessions)
    return values | {
        "net_sent_24h": net, "net_sent_mean_24h": mean, "regular_24h": even, "regular_new_24h": even,
    }  # fmt: skip


def _strongest_pairs(keys: pa.Table, scored: ScoredRows) -> list[str]:
    """The strongest pairs of each key as a JSON list, strongest first."""
    at, known = codes(keys, scored.evidence.rows, columns=["host_ip", "window_start_ts"])
    sums = scored.sums
    order = np.lexsort((-sums, known))
    first = np.searchsorted(known[order], at)
    texts = []
    for key, start in zip(at, first, strict=True):
        entries = []
        for place in order[start : start + PEERS_SHOWN]:
            if known[place] != key or sums[place] <= SHOWN_SHARE * sums[order[start]] or sums[place] <= 0:
                break
            entries.append(_pair(scored, int(place)))
        texts.append(json.dumps(entries, allow_nan=False))
    return texts


def _pair(scored: ScoredRows, row: int) -> dict[str, Any]:
    """One pair: who, what was new in it and to how many others it is not, what it did, and the prior maxima."""

    def value(name: str) -> Any:
        return scored.evidence.rows[name][row].as_py()

    most = {name: natural(name, float(scored.maxima[name][row]), value("sessions_day")) for name in EXCESSES}
    pieces = zip(scored.names, scored.pieces[row], strict=True)
    return {
        **{name: value(name) for name in ("peer_ip", "peer_port")},
        "kind": KINDS[scored.evidence.kind[row]],
        "decades": round(float(scored.pieces[row].sum()), 4),
        "new": [what for what in NOVELTIES if value(f"{what}_new")],
        "others": {what: value(f"{what}_others") for what in NOVELTIES},
        **{name: int(value(name)) for name in COUNTS},
        "most": {name: round(most[name], 2) for name in EXCESSES},
        "pieces": {name: round(float(piece), 3) for name, piece in pieces if piece > 0},
    }
