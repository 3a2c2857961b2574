"""Comparison of the figures with their targets, and the table of results."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

LINEAR = 1.15
"""Largest growth of the seconds per session, from the smallest window to the largest."""

FLAT = 1.2
"""Largest growth of the seconds of a window, from the shortest history to the longest."""

PAIRS_SECONDS = 60
"""Largest time to read the pairs of a window, a small part of the 15 minutes until the next one."""


def judged(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Each target with the measured value, and whether it is met."""
    return [
        {"target": name, "value": round(value, 3), "limit": limit, "unit": unit, "met": met}
        for name, value, limit, unit, met in _targets(found)
    ]


def _targets(found: dict[str, Any]) -> Iterator[tuple[str, float, float, str, bool]]:
    def most(name: str, value: float, limit: float, unit: str = "x") -> tuple[str, float, float, str, bool]:
        return name, value, limit, unit, value <= limit

    if "parse" in found:
        yield most("parsing PAN-OS CSV, against DuckDB read_csv", found["parse"]["ratio"], 2)
    if "window" in found:
        ours, theirs = found["window"]["product"], found["window"]["duckdb"]
        yield most("window: slices, pair counts, FG-A, against DuckDB", ours["seconds"] / theirs["seconds"], 1.2)
        yield most("window: peak memory", ours["peak_gib"], 4, "GiB")
        if "spark" in found:
            faster = found["spark"]["spark"]["seconds"] / ours["seconds"]
            yield "window: times faster than classic Spark", faster, 7, "x", faster >= 7
    if "deviations" in found:
        yield most("FG-C of one window", found["deviations"]["product"]["seconds"], 3, "s")
    if "backfill" in found:
        yield most("backfill of a week of few hosts", found["backfill"]["product"]["seconds"], 180, "s")
    if "pairs" in found:
        yield most("pairs of one window", found["pairs"]["product"]["seconds"], PAIRS_SECONDS, "s")
        yield most("pairs of one window: peak memory", found["pairs"]["product"]["peak_gib"], 4, "GiB")
    for log, figures in found.get("ndjson", {}).items():
        if log != "load_average":
            yield most(f"NDJSON to Parquet, {log}, against DuckDB", figures["to_duckdb"], 2)
            yield most(f"NDJSON to Parquet, {log}, against Polars", figures["to_polars"], 1)
            yield most(f"NDJSON to Parquet, {log}: peak memory", figures["job"]["mib"], 512, "MiB")
    if "ingestion" in found:
        growth = found["ingestion"]["growth_ms_a_thousand"]
        yield most("ingestion: growth of the cost of a file, per 1,000 files more", growth, 0, "ms")
    if "c360" in found:
        yield most("Customer 360: both jobs, against DuckDB", found["c360"]["to_duckdb"], 2)
        yield most("Customer 360: processor time of both jobs, against DuckDB", found["c360"]["cpu_to_duckdb"], 2)
        yield most("Customer 360: peak memory of both jobs", found["c360"]["job"]["peak_gib"], 2, "GiB")
    for name, what, limit in (("growth", "sessions", LINEAR), ("history", "days of history", FLAT)):
        if name in found:
            points = _points(found[name])
            cost = [seconds / (size if name == "growth" else 1) for size, seconds in points]
            sizes = f"{points[0][0]:,} to {points[-1][0]:,} {what}"
            yield most(f"growth of the cost, {sizes}", cost[-1] / cost[0], limit)


def _points(part: dict[str, Any]) -> list[tuple[int, float]]:
    """Size and seconds, sorted by size."""
    return sorted((int(name), entry["seconds"]) for name, entry in part.items() if name.isdigit())


def table(found: dict[str, Any]) -> str:
    """The figures as Markdown."""
    machine = found["machine"]
    lines = [
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB; "
        f"medians of {found['repeats']}; load average {machine['load_average'][0]} at the start",
        "",
        "| target | measured | required | met |",
        "|---|---:|---:|---|",
    ]
    for entry in found["targets"]:
        sign = "at least" if "times faster" in entry["target"] else "at most"
        lines.append(
            f"| {entry['target']} | {entry['value']:.2f} {entry['unit']} | {sign} {entry['limit']:g} {entry['unit']} "
            f"| {'yes' if entry['met'] else '**no**'} |"
        )
    lines += ["", "| run | seconds | processor seconds | peak GiB | longest steps, s |", "|---|---:|---:|---:|---|"]
    for part, entries in found.items():
        for name, entry in entries.items() if isinstance(entries, dict) else ():
            if isinstance(entry, dict) and "cpu_seconds" in entry:
                steps = sorted(entry["steps"].items(), key=lambda step: -step[1])[:4]
                named = ", ".join(
                    f"{step.removeprefix('ndr-').removeprefix('c360-')} {seconds:.1f}" for step, seconds in steps
                )
                lines.append(
                    f"| {part} {name} | {entry['seconds']:.1f} | {entry['cpu_seconds']:.1f} "
                    f"| {entry['peak_gib']:.2f} | {named} |"
                )
    return "\n".join(lines) + "\n"
