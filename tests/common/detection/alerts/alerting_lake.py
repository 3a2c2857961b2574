"""A lake with predictions of chosen scores and pairs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common.contracts import tables
from common.lake.lake import Lake
from tests.common.detection.model_lake import HOSTS, RANGE, Overrides, host, rows, write
from tests.factories import SPEC
from tests.types import Row

PAIR = {
    "peer_ip": "203.0.113.9", "peer_port": 443, "kind": "outbound", "decades": 9.0, "new": ["peer"],
    "others": {"peer": 0, "network": 0, "service": 9, "use": 0}, "sessions": 2, "failed": 1, "sent": 500,
    "sessions_day": 12, "failed_day": 6, "sent_day": 4000, "received_day": 100,
    "most": {"failed_24h": 0.0, "sessions_24h": 1.0, "sessions_15m": 1.0, "net_sent_24h": 900.0},
    "pieces": {"peer_rarity": 3.0, "failed_24h": 5.0},
}  # fmt: skip
WHOLE = list(RANGE)
NO_ALERTS: dict[str, dict[int, Any]] = {
    name: dict.fromkeys(range(HOSTS), value)
    for name, value in {
        "anomaly_score": 0.5, "raw_score": 1.0, "top_features": "[]", "model_id": "if-1", "model_sha256": "00",
    }.items()
}  # fmt: skip
Alerting = tuple[int, int, Row]
"""Number of the window, number of the host, and its strongest pair."""


def within(place: int, port: int, decades: float = 9.0, inbound: bool = False) -> Row:
    """A pair with another host of the lake."""
    kind = "inbound_internal" if inbound else "outbound_internal"
    return PAIR | {"peer_ip": host(place), "peer_port": port, "kind": kind, "decades": decades}


def write_alerts(
    lake: Path, alerts: Sequence[Alerting], score: float | Sequence[float] = 0.9999, features: str = "[]"
) -> Lake:
    """Predictions in which these alert, with one score or one each; the later a window, the higher its raw score."""
    each = [score] * len(alerts) if isinstance(score, float) else score
    for number, window in enumerate(WHOLE):
        mine: dict[int, list[Row]] = {}
        scores: dict[int, float] = {}
        for (at, place, pair), held in zip(alerts, each, strict=True):
            if at == number:
                mine.setdefault(place, []).append(pair)
                scores[place] = held
        overrides: Overrides = NO_ALERTS | {
            "anomaly_score": NO_ALERTS["anomaly_score"] | scores,
            "raw_score": NO_ALERTS["raw_score"] | dict.fromkeys(mine, 9.0 + number),
            "top_features": NO_ALERTS["top_features"] | dict.fromkeys(mine, features),
            "pair_evidence": {place: json.dumps(pairs) for place, pairs in mine.items()},
        }
        write(lake, tables(SPEC)["predictions"], rows("predictions", window, number, overrides=overrides))
    return Lake(str(lake), SPEC)
