"""Targets are judged by the figures, and those that are missed say by how much."""

from __future__ import annotations

from typing import Any

import pytest

from bench.report import table
from bench.targets import judged


def run(seconds: float, peak_mb: float = 100) -> dict[str, Any]:
    one = {"peak_bytes": int(peak_mb * 1e6)}
    figures = {"seconds": seconds, "cpu_seconds": 2 * seconds, "peak_gib": 0.5, "steps": {"ndr-delta parse": 1.0}}
    return figures | {"runs": [one, one | {"peak_bytes": one["peak_bytes"] - 1}]}


FOUND: dict[str, Any] = {
    "live": {"product": run(2, peak_mb=500)},
    "window": {"product": run(3), "duckdb": run(4)},
    "spark": {"spark": run(27)},
    "growth": {"1000": run(1), "4000": run(5), "load_average": {}},
    "history": {"5": run(10), "90": run(11), "load_average": {}},
    "commits": {
        "0": {"as_written": run(1), "kept_up": run(1), "by_windows": run(1)},
        "500": {"as_written": run(2), "kept_up": run(1.1), "by_windows": run(1.3)},
    },
}


@pytest.mark.parametrize(
    ("target", "value", "missed_by"),
    [
        ("live window, logs to publication", 2, 0),
        ("live window: peak memory", 500, 100),  # 400 are allowed
        ("window: slices, pair counts, FG-A, against DuckDB", 0.75, 0.05),  # 3 / 4; 0.7
        ("window: times faster than classic Spark", 9, 1),  # 27 / 3; 10
        ("growth of the cost with sessions", 1.25, 0.1),  # 5 / 1 for 4 times as many; 1.15
        ("growth of the cost with days of history", 1.1, 0),
        ("growth of the cost with commits, as written", 2, 0.8),
        ("growth of the cost with commits, kept up", 1.1, 0),
        ("growth of the cost with commits, kept up by windows alone", 1.3, 0.1),
    ],
)
def test_a_figure_is_compared_with_its_limit(target: str, value: float, missed_by: float) -> None:
    found = next(entry for entry in judged(FOUND) if entry["target"] == target)
    assert (found["value"], found["missed_by"], found["met"]) == (value, missed_by, missed_by == 0)


def test_only_what_was_measured_is_judged() -> None:
    assert {entry["target"] for entry in judged({"live": FOUND["live"]})} == {
        "live window, logs to publication",
        "live window: peak memory",
    }


def test_the_table_has_what_is_missed_and_every_run() -> None:
    machine = {"processor": "P", "cores": 2, "memory_gib": 8, "load_average": [0.1]}
    text = table({**FOUND, "targets": judged(FOUND), "machine": machine, "repeats": 2})
    assert "| live window: peak memory | 500.00 MB | at most 400 MB | **no**, by 100.00 MB |" in text
    assert "| window: times faster than classic Spark | 9.00 x | at least 10 x | **no**, by 1.00 x |" in text
    assert "| live product | 2.0 | 4.0 | 0.50 | delta parse 1.0 |" in text
    assert "| commits 500 kept_up | 1.1 | 2.2 | 0.50 | delta parse 1.0 |" in text
