"""One large window: compared with DuckDB and classic Spark, with more history, and with more sessions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bench.data import WINDOW, Data
from bench.measure import Run, fresh_copy, python, run, summary
from bench.stages import Program
from common.windows import Windows


@dataclass(frozen=True)
class Bench:
    """The shared context of the measurements: inputs, work folder and number of repeats."""

    data: Data
    work: Path
    repeats: int

    def product(self, program: Program, n: int | None = None, lake: Path | None = None) -> Run:
        """Runs the product on a fresh lake, which remains in the work folder."""
        copy = fresh_copy(lake or self.data.history(), self.work / f"lake-{program.engine}")
        return program.window(WINDOW, copy, self.data.sessions(n))

    def windowed(self, program: Program) -> Path:
        """The lake of the product's last run; runs it first where there is none."""
        lake = self.work / f"lake-{program.engine}"
        if not (lake / "fg_a").exists():
            self.product(program)
        return lake

    def duckdb(self) -> Run:
        """Runs the reference on the same files."""
        where = ("--sessions", str(self.data.sessions()), "--lake", str(self.data.history()))
        return run(python("bench.reference", *where, "--window", WINDOW, "--out", str(self.work / "reference")))

    def check(self) -> None:
        """Compares the tables of the last runs value by value, which is feasible only at small sizes."""
        where = ("--lake", str(self.work / "lake-sail"), "--reference", str(self.work / "reference"))
        run(python("bench.check", *where, "--window", WINDOW))

    def in_turn(self, contestants: Mapping[str, Callable[[], Run]]) -> dict[str, list[Run]]:
        """The runs of each contestant; they take turns, which spreads the load of other programs evenly."""
        runs: dict[str, list[Run]] = {name: [] for name in contestants}
        for _ in range(self.repeats):
            for name, contestant in contestants.items():
                runs[name].append(contestant())
        return runs


def against_duckdb(bench: Bench, program: Program) -> dict[str, Any]:
    """The product compared with hand-written SQL."""
    runs = bench.in_turn({"product": lambda: bench.product(program), "duckdb": bench.duckdb})
    start_ups = bench.in_turn({"start_up": program.start_up})["start_up"]
    return {name: summary(found) for name, found in runs.items()} | {"start_up": summary(start_ups)}


def on_spark(bench: Bench, spark: Program, repeats: int) -> dict[str, Any]:
    """The same code on classic Spark."""
    return {"spark": summary([bench.product(spark) for _ in range(repeats)])}


def growth(bench: Bench, program: Program, sessions: Sequence[int]) -> dict[str, Any]:
    """The product with different numbers of sessions in the window."""
    runs = bench.in_turn({str(n): partial(bench.product, program, n) for n in sessions})
    return {name: summary(found) for name, found in runs.items()}


def history(bench: Bench, program: Program, days: Sequence[int]) -> dict[str, Any]:
    """The product with different numbers of days of pair history."""
    whole = bench.data.history(max(days))
    lakes = {n: _with_days(bench, whole, n) for n in days}
    runs = bench.in_turn({str(n): partial(bench.product, program, lake=lakes[n]) for n in days})
    return {name: summary(found) for name, found in runs.items()}


def pairs(bench: Bench, program: Program) -> dict[str, Any]:
    """Reading of the pair activity of the window, as inference does; runs the window first if its lake is missing."""
    lake = bench.windowed(program)
    command = python("bench.pairs", "--lake", str(lake), "--window", WINDOW)
    return {"product": summary([run(command) for _ in range(bench.repeats)])}


def _with_days(bench: Bench, whole: Path, days: int) -> Path:
    """A copy of the lake with the pair history of the last days only."""
    from deltalake import DeltaTable

    lake = fresh_copy(whole, bench.work / f"lake-{days}-days")
    first = Windows.parse(WINDOW).start.date() - timedelta(days=days)
    DeltaTable(str(lake / "pair_days")).delete(f"date < '{first}'")
    return lake
