"""Which windows of a range have features, and whether these can be joined."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from common.lake.lake import Lake
from common.lake.window_rows import rows_by_window
from common.lake.window_status import defects, read_statuses
from common.runtime.output import progress
from common.windows import Windows

NO_FG_A, NO_FG_C, PARTIAL = "no rows in fg_a", "no rows in fg_c", "rows of fg_a without one in fg_c"
KEYS = ["host_ip", "window"]
DAYS_AT_ONCE = 7


@dataclass(eq=False)
class Coverage:
    """The coverage of a range: the hosts of each window with both groups of features, by window key, and the defects.

    `missing` maps windows that cannot be trained on to the reason; `without_slices` are those among them of which the
    lake has no slices, so that no logs came in, and
    `before_logs` those of them before its first. `incomplete` says of windows what is missing of their logs.
    `duplicates` counts the duplicate rows, by table and window.
    """

    windows: Windows
    horizon: str
    hosts: dict[str, int] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    incomplete: dict[str, str] = field(default_factory=dict)
    without_slices: list[str] = field(default_factory=list)
    before_logs: list[str] = field(default_factory=list)
    duplicates: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=lambda: {"fg_a": 0, "fg_c": 0, "joined": 0})

    @property
    def share(self) -> float:
        """The share that can be trained on, of the windows since the first that has logs."""
        expected = len(self.windows) - len(self.before_logs)
        return (len(self.windows) - len(self.missing)) / expected if expected else 0.0

    def figures(self) -> dict[str, Any]:
        """The coverage as JSON values."""
        return {
            "expected_windows": len(self.windows),
            "windows_with_features": len(self.windows) - len(self.missing),
            "coverage": round(self.share, 6),
            "rows": self.rows,
            "missing": self.missing,
            "incomplete": self.incomplete,
            "without_slices": self.without_slices,
            "before_logs": self.before_logs,
            "duplicates": self.duplicates,
            "hosts": self.hosts,
        }


def measure(lake: Lake, windows: Windows, horizon: str) -> Coverage:
    """The coverage of the range by `fg_a` and `fg_c` of that horizon.

    Raises:
        TableError: a table is missing or unreadable.
    """
    coverage = Coverage(windows, horizon)
    done = 0
    for part in _parts(windows):
        progress(done, len(windows), "windows")
        done += len(part)
        current = _rows(lake, "fg_a", KEYS, part)
        deviations = _rows(lake, "fg_c", [*KEYS, "baseline_horizon"], part)
        deviations = deviations.filter(pc.equal(deviations["baseline_horizon"], horizon)).select(KEYS)
        _add(coverage, part, current, deviations)
    statuses = read_statuses(lake, windows)
    scored = [key for key in coverage.hosts if key not in coverage.missing]
    coverage.missing |= {key: reason for key, reason in defects(statuses, scored).items() if key in scored}
    coverage.incomplete = {
        key: status.incomplete_reason for key, status in sorted(statuses.items()) if status.incomplete_reason
    }
    with_logs = _slices(lake) | {key for key in coverage.hosts if coverage.missing.get(key) != NO_FG_A}
    coverage.without_slices = [key for key in coverage.missing if key not in with_logs]
    first = min(with_logs, default=None)
    coverage.before_logs = [key for key in coverage.without_slices if first is None or key < first]
    return coverage


def _rows(lake: Lake, name: str, columns: list[str], part: Windows) -> pa.Table:
    """Columns of a table; without rows while no stage has made it."""
    if lake.exists(name):
        return lake.arrow(name, columns, part)
    return pa.table({column: pa.array([], pa.string()) for column in columns})


def _parts(windows: Windows) -> list[Windows]:
    """The windows in runs of at most a week of dates, which bounds memory."""
    days = windows.by_day()
    weeks = [days[start : start + DAYS_AT_ONCE] for start in range(0, len(days), DAYS_AT_ONCE)]
    return [Windows(week[0].start, week[-1].end) for week in weeks]


def _add(coverage: Coverage, part: Windows, current: pa.Table, deviations: pa.Table) -> None:
    distinct = {}
    for name, rows in (("fg_a", current), ("fg_c", deviations)):
        distinct[name] = rows.group_by(KEYS).aggregate([])
        coverage.rows[name] += len(rows)
        kept = _by_window(distinct[name])
        surplus = {key: count - kept[key] for key, count in _by_window(rows).items() if count > kept[key]}
        coverage.duplicates |= {f"{name} {key}": count for key, count in surplus.items()}
    joined = distinct["fg_a"].join(distinct["fg_c"], KEYS, join_type="inner")
    coverage.rows["joined"] += len(joined)
    there, scaled, both = (_by_window(rows) for rows in (distinct["fg_a"], distinct["fg_c"], joined))
    for window in part:
        key = window.key
        coverage.hosts[key] = both.get(key, 0)
        if key not in there:
            coverage.missing[key] = NO_FG_A
        elif key not in scaled:
            coverage.missing[key] = NO_FG_C
        elif both.get(key, 0) < there[key]:
            coverage.missing[key] = PARTIAL


def _by_window(rows: pa.Table) -> dict[str, int]:
    counted = pc.value_counts(rows["window"])
    return {entry["values"]: entry["counts"] for entry in counted.to_pylist()}


def _slices(lake: Lake) -> set[str]:
    """The windows of which there are slices."""
    if not lake.exists("delta_host"):
        return set()
    return set(rows_by_window(lake, "delta_host"))


def named(keys: Iterable[str], most: int = 5) -> str:
    """The first of the windows, and how many more there are."""
    listed = sorted(keys)
    more = f" and {len(listed) - most:,} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more
