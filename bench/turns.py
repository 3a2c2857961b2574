"""Time of parsing logs with the reader and with DuckDB, in turns, which spreads the load of other programs evenly."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any


def compared(what: str, reader: Callable[[], int], database: Callable[[], int], repeats: int) -> dict[str, Any]:
    """The rows of an input, the median wall-clock and processor seconds of each, and their ratios.

    Raises:
        SystemExit: they do not always give the same number of rows.
    """
    runs: dict[str, list[tuple[float, float, int]]] = {"reader": [], "duckdb": []}
    for _ in range(repeats):
        runs["reader"].append(_seconds(reader))
        runs["duckdb"].append(_seconds(database))
    rows = {run[2] for tool in runs.values() for run in tool}
    if len(rows) != 1:
        raise SystemExit(f"{what}: reader and DuckDB read different numbers of rows: {sorted(rows)}")
    found: dict[str, Any] = {"rows": rows.pop()}
    for tool, results in runs.items():
        found[f"{tool}_seconds"] = round(statistics.median(run[0] for run in results), 3)
        found[f"{tool}_cpu_seconds"] = round(statistics.median(run[1] for run in results), 3)
    found["ratio"] = round(found["reader_seconds"] / found["duckdb_seconds"], 3)
    found["cpu_ratio"] = round(found["reader_cpu_seconds"] / found["duckdb_cpu_seconds"], 3)
    return found


def _seconds(work: Callable[[], int]) -> tuple[float, float, int]:
    """Wall-clock time, processor time and number of rows."""
    wall, processor = time.perf_counter(), time.process_time()
    rows = work()
    return time.perf_counter() - wall, time.process_time() - processor, rows
