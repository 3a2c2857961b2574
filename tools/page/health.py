"""Whether what the page shows is whole: windows, stages, incomplete logs, rejects, the canary, drift."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

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


def _minutes_late(statuses: Mapping[str, WindowStatus], windows: Windows) -> dict[str, dict[str, float]]:
    """How long after the end of a window each stage was done: the median, the 95th percentile, the most, and the last.

    `took` and `took_p95` are of the time since what it reads was done, if it reads any. Windows that were done a day or
    more later are a backfill, and do not count; nor does a stage without others.
    """
    late: dict[str, list[timedelta]] = {stage: [] for stage in STAGES}
    took: dict[str, list[timedelta]] = {stage: [] for stage in STAGES}
    for window in windows:
        stages = statuses.get(window.key, WindowStatus()).stages
        for stage, held in stages.items():
            if held.is_finished and held.written_ts - window.end < timedelta(days=1):
                late[stage].append(held.written_ts - window.end)
                if read := [stages[before].written_ts for before in READ_BY[stage] if before in stages]:
                    took[stage].append(held.written_ts - max(read))
    return {
        stage: {
            "median": _minutes(times, 50),
            "p95": _minutes(times, 95),
            "most": _minutes(times, 100),
            "last": _minutes(times[-1:], 50),
            **({"took": _minutes(took[stage], 50), "took_p95": _minutes(took[stage], 95)} if took[stage] else {}),
        }
        for stage, times in late.items()
        if times
    }


def _minutes(times: Sequence[timedelta], percentile: float) -> float:
    return round(float(np.percentile([time / timedelta(minutes=1) for time in times], percentile)), 1)


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
