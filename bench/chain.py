"""The whole chain of one large window, from log lines to published predictions, and each of its stages by itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from bench.data import WINDOW
from bench.measure import Run, fresh_copy, python, run, summary
from bench.stages import Program
from bench.windows import Bench

STAGES = ("ndr-delta", "ndr-pair-counts", "ndr-fg-a", "ndr-fg-c", "ndr-inference", "ndr-join")
BATCH = "bench"
TABLES = ("delta_host", "delta_pair", "pair_counts", "fg_a", "fg_c", "predictions", "prediction_join")


def chain(bench: Bench, program: Program, documents: int) -> dict[str, Any]:
    """From sessions, PAN-OS CSV and ECS documents (as many as given) to publication, by stage, and DuckDB's share."""
    data, ready = bench.data, ready_lake(bench, program)
    inputs = {
        "sessions": data.sessions(),
        "csv": data.lines("csv"),
        "json": data.lines("json", documents),
    }

    def lake(name: str) -> Path:
        return fresh_copy(ready, bench.work / f"lake-chain-{name}")

    def duckdb(name: str) -> Run:
        given = ("--sessions" if name == "sessions" else "--lines", str(inputs[name]), "--lake", str(ready))
        out = ("--window", WINDOW, "--out", str(bench.work / f"reference-{name}"))
        return run(python("bench.reference", *given, *out))

    def product(name: str) -> Run:
        return published(program, WINDOW, lake(name), inputs[name])

    contestants: dict[str, Callable[[], Run]] = {
        **{name: partial(product, name) for name in inputs},
        "features": lambda: program.stage("ndr-15m", WINDOW, lake("features"), "--input", str(inputs["sessions"])),
        **{f"duckdb {name}": partial(duckdb, name) for name in inputs},
    }
    found = {name: summary(runs) for name, runs in bench.in_turn(contestants).items()}
    return found | {"documents": documents} | _by_stage(bench, program, lake, inputs["sessions"])


def published(program: Program, window: str, lake: Path, given: Path) -> Run:
    """A run of the window through the join, and the publication of what it staged."""
    through = ("--input", str(given), "--through", "join", "--mini-batch-id", BATCH)
    runs = [
        program.stage("ndr-15m", window, lake, *through),
        program.stage("ndr-join", window, lake, "--staged", BATCH),
    ]
    return Run.joined(runs)


def _by_stage(bench: Bench, program: Program, lake: Callable[[str], Path], sessions: Path) -> dict[str, Any]:
    """Each stage as a process of its own."""
    runs: dict[str, list[Run]] = {name: [] for name in STAGES}
    for _ in range(bench.repeats):
        place = lake("stages")
        for name in STAGES:
            more = ("--input", str(sessions)) if name == "ndr-delta" else ()
            runs[name].append(program.stage(name, WINDOW, place, *more))
    return {name: summary(found) for name, found in runs.items()}


def check(bench: Bench) -> None:
    """Compares the tables from sessions, from lines and by stages with each other, and with those of DuckDB."""
    first = bench.work / "lake-chain-sessions"
    for name in ("csv", "json", "stages"):
        run(python("bench.lakes", str(first), str(bench.work / f"lake-chain-{name}"), "--tables", *TABLES))
    for name in ("sessions", "csv", "json"):
        where = ("--lake", str(first), "--reference", str(bench.work / f"reference-{name}"))
        run(python("bench.check", *where, "--window", WINDOW))


def ready_lake(bench: Bench, program: Program) -> Path:
    """A lake with all that comes before the window: history, baselines, and a model."""

    def scored() -> Path:
        windowed = bench.windowed(program)
        lake = fresh_copy(windowed, bench.work / "lake-model")
        fresh_copy(bench.data.baselines(windowed) / "fg_b", lake / "fg_b")
        program.stage("ndr-fg-c", WINDOW, lake)
        return lake

    return bench.data.ready(scored)


def deviations(bench: Bench, program: Program) -> dict[str, Any]:
    """FG-C of one window, with the baselines of both horizons; runs the window first if its lake is missing."""
    baselines = bench.data.baselines(bench.windowed(program))

    def once() -> Run:
        return program.stage("ndr-fg-c", WINDOW, fresh_copy(baselines, bench.work / "lake-fg-c"))

    return {"product": summary(bench.in_turn({"product": once})["product"])}
