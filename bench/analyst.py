"""What an analyst waits for: the report, the page and the hunt, over a day that is scored, or a month of contacts.

    python -m bench.analyst --like build/bench/work/lake-chain-csv --hosts 5000 --out /tmp/day

makes a lake in which a day is scored, its windows being like the scored window of another lake, such as `bench.all
--parts chain` leaves, and measures the commands. One host in 160 alerts, in four windows one after the other. Features
and deviations are as wide as they are, but have values only in the columns that these commands read.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bench.measure import machine, run, summary
from common.contracts import tables
from common.features.spec import load_spec
from common.lake.lake import Lake
from common.lake.window_files import window_files
from common.runtime.programs import scripts_folder
from common.windows import Windows

HOSTS_PER_ALERTING = 160
WINDOWS_IN_A_ROW = 4
SCORES = (0.998, 0.9993, 0.99999)
"""Most of a quiet window; least and most of one that alerts."""
TIMES = {"window_start_ts": "start", "window_end_ts": "end"}
COPIED = ("model_drift", "machine_inventory", "pair_days", "delta_pair", "fg_b", "_lake.json")


def make_lake(like: Path, hosts: int, days: float, sessions: int, out: Path) -> Windows:
    """Writes the lake; returns the windows that are scored, up to the one that the other lake has.

    Args:
        like: a lake with a scored window.
        hosts: hosts that are scored in each window; as many as that window has, at most.
        days: days that are scored.
        sessions: sessions that are kept of each window.
        out: where the lake goes.
    """
    spec = load_spec("v1")
    source = Lake(str(like), spec)
    window = source.window_bounds("predictions")
    assert window is not None
    windows = Windows(window.end - timedelta(days=days), window.end)
    shutil.rmtree(out, ignore_errors=True)
    for name in COPIED:
        if (like / name).exists():
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copy2 if (like / name).is_file() else shutil.copytree
            copy(like / name, out / name)
    lake = Lake(str(out), spec)
    scored = source.arrow("predictions", windows=window).sort_by([("raw_score", "descending")]).slice(0, hosts)
    named = scored["host_ip"]
    rng = np.random.default_rng(hosts)
    alerting = _alerting(rng, hosts, len(windows))
    _tile(lake, "predictions", windows, (_scored(rng, scored, mine) for mine in alerting))
    wide = {"fg_a": ("host_ip", "segment_id", "time_band"), "fg_c": ("host_ip", "segment_id", "time_band")}
    for name, texts in wide.items():
        rows = source.arrow(name, windows=window)
        rows = _narrowed(rows.filter(pc.is_in(rows["host_ip"], named.combine_chunks())), texts)
        _tile(lake, name, windows, (rows for _ in windows))
    _tile(lake, "window_status", windows, _statuses(source, window, len(windows)))
    kept = _with_users(source.arrow("sessions", windows=window).slice(0, sessions))
    _tile(lake, "sessions", windows, (kept for _ in windows))
    return windows


def _alerting(rng: np.random.Generator, hosts: int, count: int) -> list[set[int]]:
    """The rows of each window that alert."""
    found: list[set[int]] = [set() for _ in range(count)]
    for host in range(max(1, hosts // HOSTS_PER_ALERTING)):
        first = int(rng.integers(0, max(1, count - WINDOWS_IN_A_ROW)))
        for number in range(first, min(count, first + WINDOWS_IN_A_ROW)):
            found[number].add(host)
    return found


def _scored(rng: np.random.Generator, rows: pa.Table, alerting: Collection[int]) -> pa.Table:
    quiet, least, most = SCORES
    scores = rng.random(len(rows)) * quiet
    chosen = np.array(sorted(alerting), dtype=np.int64)
    scores[chosen] = least + rng.random(len(chosen)) * (most - least)
    return rows.set_column(rows.column_names.index("anomaly_score"), "anomaly_score", pa.array(scores))


def _statuses(source: Lake, window: Windows, count: int) -> Iterator[pa.Table]:
    rows = source.arrow("window_status", windows=window)
    return (rows for _ in range(count))


def _narrowed(rows: pa.Table, kept: Collection[str]) -> pa.Table:
    """The rows with nulls in most columns of numbers."""
    for place, field in enumerate(rows.schema):
        if pa.types.is_floating(field.type) and field.name not in kept:
            rows = rows.set_column(place, field.name, pa.nulls(len(rows), field.type))
    return rows


def _with_users(rows: pa.Table) -> pa.Table:
    """The sessions with a user for each source, which the logs of the benchmarks do not name."""
    users = pc.binary_join_element_wise("user", rows["src_ip"], "-")
    return rows.set_column(rows.column_names.index("src_user"), "src_user", users)


def _tile(lake: Lake, name: str, windows: Windows, parts: Iterator[pa.Table]) -> None:
    """Writes rows for each window, with its times, in one commit."""
    table = tables(lake.spec)[name]
    with window_files(lake, name, windows) as files:
        for window, rows in zip(windows, parts, strict=True):
            for column, value in {
                **_times(rows, window),
                "window": window.key,
                "date": f"{window.start:%Y-%m-%d}",
            }.items():
                kind = table.arrow.field(column).type
                rows = rows.set_column(
                    rows.column_names.index(column), column, pa.repeat(pa.scalar(value, kind), len(rows))
                )
            files.add(rows.select(table.column_names))
            files.flush()
        lake.replace_files(name, files.actions, windows)


def _times(rows: pa.Table, window: Windows) -> dict[str, datetime]:
    return {name: getattr(window, side) for name, side in TIMES.items() if name in rows.column_names}


def commands(lake: Path) -> dict[str, list[str]]:
    """The commands that are measured, by name."""
    where, bin_ = ["--lake", str(lake)], scripts_folder()
    page = lake.with_suffix(".html")
    return {
        "report": [str(bin_ / "ndr-report"), *where],
        "report --json": [str(bin_ / "ndr-report"), *where, "--json"],
        "report --cases": [str(bin_ / "ndr-report"), *where, "--cases"],
        "page": [str(bin_ / "ndr-page"), *where, "--out", str(page)],
        "hunt --port": [str(bin_ / "ndr-hunt"), *where, "--port", "3389"],
        "hunt --peer": [str(bin_ / "ndr-hunt"), *where, "--peer", "20.146.176.115"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--like", type=Path, help="lake with a scored window to make the lake of")
    parser.add_argument("--hosts", type=int, default=2_084, help="hosts of a window")
    parser.add_argument("--days", type=float, default=1.0, help="days that are scored")
    parser.add_argument("--sessions", type=int, default=130_000, help="sessions of a window")
    parser.add_argument("--out", type=Path, required=True, help="lake, made with --like, else as it is")
    parser.add_argument("--only", nargs="+", metavar="COMMAND", help="commands to measure (default: all)")
    parser.add_argument("--repeats", type=int, default=3, help="number of runs of each command")
    given = parser.parse_args()
    if given.like:
        windows = make_lake(given.like, given.hosts, given.days, given.sessions, given.out)
        print(f"{given.out}: {windows}")
    found: dict[str, Any] = {"machine": machine()}
    for name, command in commands(given.out).items():
        if name in (given.only or (name,)):
            figures = summary([run(command) for _ in range(given.repeats)])
            found[name] = figures
            peak = max(entry["peak_bytes"] for entry in figures["runs"]) / 1e6
            print(f"{name}: {figures['cpu_seconds']} s of processor, {figures['seconds']} s, {peak:.0f} MB")
    page = given.out.with_suffix(".html")
    if page.is_file():
        found["page_bytes"] = page.stat().st_size
    given.out.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
