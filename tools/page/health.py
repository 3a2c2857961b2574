"""Whether what the page shows is whole: windows, stages, incomplete logs, rejects, the canary, the model, its drift."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from common.coded import encoded
from common.detection.alerts.cases import Case
from common.detection.alerts.terms import EXPECTED, FALSE, TRUE
from common.detection.alerts.triage import Change, standing
from common.lake.canary import canary_line
from common.lake.lake import Lake
from common.lake.window_status import READ_BY, WindowStatus, read_statuses
from common.windows import Windows, iso

STAGES = tuple(READ_BY)
FINISHED, BEGUN, MISSING, OLD = range(4)
REASONS_SHOWN = 20
DECISIONS_SHOWN = 20


def health(lake: Lake, windows: Windows, keys: set[str]) -> dict[str, Any]:
    """How each stage stands in each window, which windows have no predictions, which logs were incomplete, the canary.

    `keys` are the windows that have predictions.
    """
    statuses = read_statuses(lake, windows)
    grid = [[_code(statuses.get(window.key), stage) for window in windows] for stage in STAGES]
    incomplete = [
        {"window": iso(window.start), "reason": reason}
        for window in windows
        if window.key in statuses and (reason := statuses[window.key].incomplete_reason)
    ]
    missing = [iso(window.start) for window in windows if window.key not in keys]
    return {
        "stages": list(STAGES),
        "grid": grid,
        "missing": missing,
        "incomplete": incomplete[:REASONS_SHOWN],
        "incomplete_cnt": len(incomplete),
        "rejects": _rejects(lake, windows),
        "canary": canary_line(lake.uri, datetime.now(UTC)),
        "minutes_late": _minutes_late(statuses, windows),
    }


def _minutes_late(statuses: Mapping[str, WindowStatus], windows: Windows) -> dict[str, float] | None:
    """How long after the end of a window its scores came: the median, the most, and of the last one with scores.

    Windows that were scored a day or more later are a backfill, and do not count; None where there is no other.
    """
    found = [
        scored.written_ts - window.end
        for window in windows
        if window.key in statuses and (scored := statuses[window.key].stages.get("inference"))
    ]
    minutes = [round(late / timedelta(minutes=1), 1) for late in found if late < timedelta(days=1)]
    return {"median": median(minutes), "most": max(minutes), "last": minutes[-1]} if minutes else None


def _code(held: WindowStatus | None, stage: str) -> int:
    """How a stage stands in a window with that status."""
    if held is None or stage not in held.stages:
        return MISSING
    if not held.stages[stage].is_finished:
        return BEGUN
    return OLD if held.is_older(stage) else FINISHED


def _rejects(lake: Lake, windows: Windows) -> list[dict[str, Any]]:
    """How many records were rejected for each reason, the most frequent first; values in reasons are left out."""
    if not lake.exists("sessions_rejected"):
        return []
    reasons = lake.arrow("sessions_rejected", ["reason"], windows, coded=["reason"])["reason"]
    counts: Counter[str] = Counter()
    for entry in encoded(reasons).value_counts().to_pylist():
        counts[entry["values"].partition(":")[0]] += entry["counts"]
    return [{"reason": reason, "count": count} for reason, count in counts.most_common(REASONS_SHOWN)]


def models(lake: Lake) -> list[dict[str, Any]]:
    """The last decisions about models, the newest first, with their gates."""
    if not lake.exists("model_decisions"):
        return []
    rows = sorted(lake.arrow("model_decisions").to_pylist(), key=lambda row: row["decided_ts"], reverse=True)
    return [
        {
            **{name: row[name] for name in ("run_id", "action", "decided_by", "reason", "from_run", "current_run")},
            "decided": iso(row["decided_ts"].replace(microsecond=0)),
            "gates": [{"name": name} | gate for name, gate in sorted(json.loads(row["gates"]).items())],
        }
        for row in rows[:DECISIONS_SHOWN]
    ]


def drift(lake: Lake, windows: Windows) -> dict[str, Any]:
    """The drift of each window: the PSI of the score with its bound, None where there is none."""
    found = dict.fromkeys((window.key for window in windows), None)
    if not lake.exists("model_drift"):
        return {"score_psi": [], "bound": [], "drifted": []}
    rows = {row["window"]: row for row in lake.arrow("model_drift", windows=windows).to_pylist()}
    whole = [rows.get(key) for key in found]
    return {
        "score_psi": [row and row["score_psi"] for row in whole],
        "bound": [row and row["score_psi_bound"] for row in whole],
        "drifted": [iso(row["window_start_ts"]) for row in whole if row and row["is_drifted"]],
    }


def volume(cases: Sequence[Case]) -> dict[str, dict[str, int]]:
    """How many cases began on each UTC date, by technique."""
    found: dict[str, Counter[str]] = {}
    for case in cases:
        found.setdefault(f"{case.start:%Y-%m-%d}", Counter())[case.technique.name] += 1
    return {day: dict(sorted(counts.items())) for day, counts in sorted(found.items())}


def verdicts(cases: Sequence[Case], changes: Sequence[Change]) -> dict[str, int]:
    """How many of the cases people have said to be true, false or expected, by what they said last."""
    last = standing(changes)
    said = Counter(last[case.case_id].status for case in cases if case.case_id in last)
    return {status: said[status] for status in (TRUE, FALSE, EXPECTED)}
