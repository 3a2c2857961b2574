"""Figures of runs as metrics, in CloudWatch's embedded format: members of a JSON line that is logged anyway.

CloudWatch makes metrics of such lines by itself, wherever they are logged; nothing is called. Each metric is there by
job and project, by job, and in all.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from common.errors import WindowError
from common.windows import WINDOW, Windows

VARIABLE = "NDR_METRICS"
"""The environment variable with the namespace of the metrics; without it, there are none."""
UNITS = {"seconds": "Seconds", "ratio": "None"}
"""Units by the last word of a metric's name; all others are counts."""
LIVE = timedelta(days=1)
"""A window that is older when a run of it ends is history that is built again, not late."""
OF_REPORT = ("rows_in", "rows_out", "rows_rejected", "seconds")


def members(job: str, project: str | None, figures: Mapping[str, float], now: datetime | None = None) -> dict[str, Any]:
    """The figures with what says that they are metrics; nothing where no metrics are wanted."""
    namespace = os.environ.get(VARIABLE)
    if not namespace or not figures:
        return {}
    dimensions = [["job"], []] if project is None else [["job", "project"], ["job"], []]
    metrics = [{"Name": name, "Unit": UNITS.get(name.rpartition("_")[2], "Count")} for name in figures]
    directive = {"Namespace": namespace, "Dimensions": dimensions, "Metrics": metrics}
    milliseconds = round((now or datetime.now(UTC)).timestamp() * 1000)
    names = {"job": job} if project is None else {"job": job, "project": project}
    return {"_aws": {"Timestamp": milliseconds, "CloudWatchMetrics": [directive]}, **names, **figures}


def members_of_report(report: Mapping[str, Any], now: datetime | None = None) -> dict[str, Any]:
    """What makes a run report a line of metrics, besides what it has: lateness, share of rejects, alerts, drift."""
    now = now or datetime.now(UTC)
    figures: dict[str, float] = {name: report[name] for name in OF_REPORT}
    if report["rows_in"]:
        figures["rejected_ratio"] = report["rows_rejected"] / report["rows_in"]
    if (late := _lateness(report.get("window"), now)) is not None:
        figures["lateness_seconds"] = late
    details = report["details"]
    if "alerts" in details:
        figures["alerts"] = details["alerts"]
    if (drift := details.get("drift")) and drift["score_psi_bound"]:
        # the bound allows for chance: above 1, the scores have moved
        figures["score_drift_ratio"] = drift["score_psi"] / drift["score_psi_bound"]
    return members(report["stage"], report.get("project_name"), figures, now)


def _lateness(window: str | None, now: datetime) -> float | None:
    """Seconds since the end of a window that came by itself; None of ranges, and of history."""
    try:
        windows: Windows | None = Windows.parse(window) if window else None
    except WindowError:
        return None
    if windows is None or windows.end - windows.start != WINDOW or now - windows.end > LIVE:
        return None
    return (now - windows.end).total_seconds()
