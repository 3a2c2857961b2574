"""Incidents: alerting windows of one host and technique that belong together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from common.detection.alerts.techniques import Technique, resembles
from common.detection.alerts.terms import ALERT_SCORE
from common.detection.explanation import Reason, parse_reasons
from common.features.spec import FeatureSpec
from common.lake.lake import Lake
from common.windows import WINDOW, Windows, iso

PAUSE = 4 * WINDOW
LOOKBACK = timedelta(days=7)
PEERS_KEPT = 10
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
class Incident:
    """Windows of one host and technique, with pauses of at most an hour between them.

    `incident_id` follows from host, technique and first window, so that the same predictions always give the same one,
    and an incident keeps it while it goes on. `peers` are the strongest pairs of all its windows, each once; `reasons`
    and `score` are those of its highest window, `peak`.
    """

    incident_id: str
    host_ip: str
    segment_id: str
    technique: Technique
    start: datetime
    end: datetime
    peak: datetime
    score: float
    raw_score: float
    windows: int
    peers: tuple[Mapping[str, Any], ...]
    reasons: tuple[Reason, ...]
    earlier: int = 0


def find_incidents(
    lake: Lake, spec: FeatureSpec, windows: Windows | None, min_score: float = ALERT_SCORE
) -> list[Incident]:
    """The incidents with a window among these (all without), highest first; ties by start and host.

    Predictions of the week before are read, too, so that an ongoing incident keeps its beginning, and
    `earlier` counts the incidents of the host that began before.

    Raises:
        TableError: `predictions` is missing or unreadable.
    """
    read = Windows(windows.start - LOOKBACK, windows.end) if windows else None
    table = lake.arrow("predictions", COLUMNS, read)
    alerts = table.filter(pc.greater_equal(table["anomaly_score"], min_score))
    found = group(_with_techniques(alerts, spec))
    if windows:
        found = [entry for entry in found if entry.end > windows.start]
    return sorted(found, key=lambda entry: (-entry.score, -entry.raw_score, entry.start, entry.host_ip))


def group(alerts: Iterable[tuple[dict[str, Any], Technique]]) -> list[Incident]:
    """The incidents of alerting predictions with their techniques, in the order in which they began."""
    open_runs: dict[tuple[str, str], list[tuple[dict[str, Any], Technique]]] = {}
    closed: list[list[tuple[dict[str, Any], Technique]]] = []
    for alert, technique in sorted(alerts, key=lambda pair: (pair[0]["window_start_ts"], pair[0]["host_ip"])):
        key = (alert["host_ip"], technique.name)
        run = open_runs.get(key)
        if run and alert["window_start_ts"] - run[-1][0]["window_end_ts"] > PAUSE:
            closed.append(run)
            run = None
        if run is None:
            open_runs[key] = run = []
        run.append((alert, technique))
    runs = sorted([*closed, *open_runs.values()], key=lambda run: (run[0][0]["window_start_ts"], run[0][0]["host_ip"]))
    seen: dict[str, int] = {}
    incidents = []
    for run in runs:
        host = run[0][0]["host_ip"]
        incidents.append(_incident(run, seen.get(host, 0)))
        seen[host] = seen.get(host, 0) + 1
    return incidents


def _with_techniques(alerts: pa.Table, spec: FeatureSpec) -> list[tuple[dict[str, Any], Technique]]:
    rows = alerts.to_pylist()
    for row in rows:
        row["reasons"] = parse_reasons(row.pop("top_features"))
        row["pairs"] = json.loads(row.pop("pair_evidence") or "[]")
    return [(row, resembles(row["reasons"], row["pairs"], spec)) for row in rows]


def _incident(run: Sequence[tuple[dict[str, Any], Technique]], earlier: int) -> Incident:
    alerts, technique = [alert for alert, _ in run], run[0][1]
    peak = max(alerts, key=lambda alert: (alert["raw_score"], -alert["window_start_ts"].timestamp()))
    first, last = alerts[0], alerts[-1]
    name = f"{first['host_ip']} {technique.name} {iso(first['window_start_ts'])}"
    return Incident(
        hashlib.sha256(name.encode()).hexdigest()[:12],
        first["host_ip"],
        first["segment_id"],
        technique,
        first["window_start_ts"],
        last["window_end_ts"],
        peak["window_start_ts"],
        peak["anomaly_score"],
        peak["raw_score"],
        len(alerts),
        _peers(alerts),
        tuple(peak["reasons"]),
        earlier,
    )


def _peers(alerts: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """The strongest entry of each pair of the alerts, strongest first."""
    best: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for alert in alerts:
        for pair in alert["pairs"]:
            key = (pair["kind"], pair["peer_ip"], pair["peer_port"])
            if key not in best or pair["decades"] > best[key]["decades"]:
                best[key] = pair
    ordered = sorted(best.items(), key=lambda entry: (-entry[1]["decades"], entry[0]))
    return tuple(pair for _, pair in ordered[:PEERS_KEPT])
