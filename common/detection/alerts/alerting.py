"""Alerts: the predictions of at least a score, with their reasons, their strongest pairs, and what they resemble."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import Any

from common.detection.alerts.techniques import Technique, resembles
from common.detection.explanation import Reason, parse_reasons
from common.features.spec import FeatureSpec
from common.lake.lake import Lake
from common.windows import Windows

TABLE = "predictions"
COLUMNS = [
    "host_ip",
    "segment_id",
    "window_start_ts",
    "window_end_ts",
    "anomaly_score",
    "raw_score",
    "top_features",
    "pair_evidence",
]


@dataclass(frozen=True)
class Alert:
    """A prediction that alerts: a host in a window. `pairs` are its strongest ones, the strongest first."""

    host_ip: str
    segment_id: str
    start: datetime
    end: datetime
    score: float
    raw_score: float
    reasons: tuple[Reason, ...]
    pairs: tuple[Mapping[str, Any], ...]
    technique: Technique

    @property
    def source(self) -> str:
        """Who began what the alert is mainly about: the peer of the strongest pair, if that opened it, or the host."""
        if self.pairs and is_inbound(self.pairs[0]):
            return str(self.pairs[0]["peer_ip"])
        return self.host_ip

    @property
    def target(self) -> str:
        """The other end of the strongest pair, seen from the source; without a pair, nobody."""
        if not self.pairs:
            return ""
        return self.host_ip if is_inbound(self.pairs[0]) else str(self.pairs[0]["peer_ip"])


def is_inbound(pair: Mapping[str, Any]) -> bool:
    """Whether the peer of a pair opened its sessions."""
    return bool(pair["kind"].startswith("inbound"))


def read_alerts(lake: Lake, spec: FeatureSpec, windows: Windows | None, min_score: float) -> list[Alert]:
    """The alerts of the windows (all without), in order of window and host.

    Raises:
        TableError: `predictions` is missing or unreadable.
    """
    rows = lake.arrow(TABLE, COLUMNS, windows, numbers={"anomaly_score": (min_score, inf)})
    found = [_alert(row, spec) for row in rows.to_pylist()]
    return sorted(found, key=lambda alert: (alert.start, alert.host_ip))


def _alert(row: Mapping[str, Any], spec: FeatureSpec) -> Alert:
    reasons = tuple(parse_reasons(row["top_features"]))
    pairs = tuple(json.loads(row["pair_evidence"] or "[]"))
    return Alert(
        row["host_ip"],
        row["segment_id"],
        row["window_start_ts"],
        row["window_end_ts"],
        row["anomaly_score"],
        row["raw_score"],
        reasons,
        pairs,
        resembles(reasons, pairs, spec),
    )
