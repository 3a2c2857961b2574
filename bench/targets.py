"""What the measured figures must be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Figures = dict[str, Any]

LINEAR = 1.15
"""Largest growth of the seconds per session, from the smallest window to the largest."""

FLAT = 1.2
"""Largest growth of the seconds of a window, from the shortest history, or the fewest commits, to the most."""

PAIRS_SECONDS = 60
"""Largest time to read the pairs of a window, a small part of the 15 minutes until the next one."""


@dataclass(frozen=True)
class Target:
    """A figure of a part, and its limit: at most, or `at_least`."""

    part: str
    name: str
    figure: Callable[[Figures], float]
    limit: float
    unit: str = "x"
    at_least: bool = False

    def judged(self, figures: Figures) -> dict[str, Any]:
        """The figure beside its limit, whether the target is met, and by how much it is missed."""
        value = self.figure(figures)
        missed = max(0.0, self.limit - value if self.at_least else value - self.limit)
        return {
            "target": self.name,
            "value": round(value, 3),
            "limit": self.limit,
            "unit": self.unit,
            "at_least": self.at_least,
            "met": not missed,
            "missed_by": round(missed, 3),
        }


def of(run: str, figure: str = "seconds") -> Callable[[Figures], float]:
    """A figure of a run of the part."""
    return lambda part: part[run][figure]


def ratio(ours: str, theirs: str, figure: str = "seconds") -> Callable[[Figures], float]:
    """A figure of a run of the part, relative to that of another one."""
    return lambda part: part[ours][figure] / part[theirs][figure]


def ratio_without_sessions(part: Figures) -> float:
    """As `ratio` of the stages up to FG-C, without the seconds in which each of the two keeps the sessions."""
    ours, theirs = part["features"], part["duckdb sessions"]
    left = ours["seconds"] - ours["steps"]["ndr-delta sessions"]
    return float(left / (theirs["seconds"] - theirs["steps"]["duckdb sessions"]))


def peak_mb(run: Figures) -> float:
    """The highest peak of the runs, to the byte."""
    peaks: list[int] = [entry["peak_bytes"] for entry in run["runs"]]
    return max(peaks) / 1e6


CHAIN = (
    Target("parse", "parsing PAN-OS CSV, against DuckDB read_csv", lambda part: part["ratio"], 1),
    Target("chain", "chain: sessions to FG-C, against DuckDB", ratio("features", "duckdb sessions"), 0.7),
    Target("chain", "chain: the same, without keeping sessions", ratio_without_sessions, 0.7),
    Target("chain", "chain: CSV lines to publication, processor time", of("csv", "cpu_seconds"), 100, "s"),
    Target("chain", "chain: CSV lines to publication, peak memory", of("csv", "peak_gib"), 2, "GiB"),
    Target("chain", "chain: FG-C of both horizons", of("ndr-fg-c"), 3, "s"),
    Target("chain", "chain: inference", of("ndr-inference"), 15, "s"),
    Target("live", "live window, logs to publication", of("product"), 3, "s"),
    Target("live", "live window: peak memory", lambda part: peak_mb(part["product"]), 400, "MB"),
    Target("window", "window: slices, pair counts, FG-A, against DuckDB", ratio("product", "duckdb"), 0.7),
    Target("window", "window: peak memory", of("product", "peak_gib"), 2, "GiB"),
    Target("deviations", "FG-C of one window", of("product"), 3, "s"),
    Target("backfill", "backfill of a week of few hosts", of("product"), 45, "s"),
    Target("pairs", "pairs of one window", of("product"), PAIRS_SECONDS, "s"),
    Target("pairs", "pairs of one window: peak memory", of("product", "peak_gib"), 4, "GiB"),
)
OTHERS = (
    Target("ingestion", "ingestion: growth of the cost of a file, per 1,000 files more",
           lambda part: part["growth_ms_a_thousand"], 0, "ms"),
    Target("c360", "Customer 360: both jobs, against DuckDB", lambda part: part["to_duckdb"], 2),
    Target("c360", "Customer 360: processor time of both jobs, against DuckDB", lambda part: part["cpu_to_duckdb"], 2),
    Target("c360", "Customer 360: peak memory of both jobs", of("job", "peak_gib"), 2, "GiB"),
)  # fmt: skip


def judged(found: Figures) -> list[dict[str, Any]]:
    """Each target of the measured parts with its figure, and whether it is met."""
    return [target.judged(found[target.part]) for target in targets(found)]


def targets(found: Figures) -> Iterator[Target]:
    """The targets of the parts that were measured."""
    yield from (target for target in CHAIN if target.part in found)
    if "spark" in found and "window" in found:
        seconds = found["window"]["product"]["seconds"]
        faster = "window: times faster than classic Spark"
        yield Target("spark", faster, lambda part: part["spark"]["seconds"] / seconds, 10, at_least=True)
    for log in found.get("ndjson", {}).keys() - {"load_average"}:
        yield from _of_log(log)
    yield from (target for target in OTHERS if target.part in found)
    yield from _growths(found)


def _of_log(log: str) -> Iterator[Target]:
    name = f"NDJSON to Parquet, {log}"
    yield Target("ndjson", f"{name}, against DuckDB", of(log, "to_duckdb"), 2)
    yield Target("ndjson", f"{name}, against Polars", of(log, "to_polars"), 1)
    yield Target("ndjson", f"{name}: peak memory", lambda part: part[log]["job"]["mib"], 512, "MiB")


def _growths(found: Figures) -> Iterator[Target]:
    """The cost of the largest size relative to that of the smallest."""
    if "growth" in found:
        yield _growth("growth", "sessions", LINEAR)
    if "history" in found:
        yield _growth("history", "days of history", FLAT)
    if "commits" in found:
        yield _growth("commits", "commits, as written", FLAT, "as_written")
        yield _growth("commits", "commits, kept up", FLAT, "kept_up")
        yield _growth("commits", "commits, kept up by windows alone", FLAT, "by_windows")


def _growth(part: str, what: str, limit: float, state: str | None = None) -> Target:
    def grown(figures: Figures) -> float:
        entries = {int(size): entry[state] if state else entry for size, entry in figures.items() if size.isdigit()}
        least, most = min(entries), max(entries)
        sizes = most / least if part == "growth" else 1
        return float(entries[most]["seconds"] / entries[least]["seconds"] / sizes)

    return Target(part, f"growth of the cost with {what}", grown, limit)
