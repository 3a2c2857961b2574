"""Deviations of one window with many hosts, and a backfill of one week with few hosts."""

from __future__ import annotations

import shutil
from typing import Any

from bench.data import SIMULATION_DAYS, SIMULATION_START, WINDOW
from bench.measure import Run, fresh_copy, summary
from bench.stages import Program
from bench.windows import Bench
from common.windows import WINDOW as STEP
from common.windows import WINDOWS_PER_DAY, Windows, iso, parse_moment

PARAMETERS = "horizons: {7d: {days: 7, gap_days: 0}}\nmodel_horizon: 7d\n"


def deviations(bench: Bench, program: Program) -> dict[str, Any]:
    """FG-C of one window, with the baselines of both horizons; runs the window first if its lake is missing."""
    source = bench.work / "lake-sail"
    if not (source / "fg_a").exists():
        bench.product(program)
    baselines = bench.data.baselines(source)

    def once() -> Run:
        return program.stage("ndr-fg-c", WINDOW, fresh_copy(baselines, bench.work / "lake-fg-c"))

    return {"product": summary(bench.in_turn({"product": once})["product"])}


def backfill(bench: Bench, program: Program) -> dict[str, Any]:
    """A simulated week with one command per stage; the baselines for FG-C are timed separately."""
    logs = bench.data.simulation()
    start = parse_moment(f"{SIMULATION_START}T00:08Z")
    week = str(Windows(start, start + SIMULATION_DAYS * WINDOWS_PER_DAY * STEP))
    end = iso(Windows.parse(week).end)
    parameters = bench.work / "parameters.yaml"
    parameters.write_text(PARAMETERS)
    baselines: list[Run] = []

    def once() -> Run:
        lake = bench.work / "lake-week"
        shutil.rmtree(lake, ignore_errors=True)
        given = ("--parameters", str(parameters))
        runs = [program.stage("ndr-delta", week, lake, "--input", str(logs), *given)]
        runs += [program.stage(name, week, lake, *given) for name in ("ndr-pair-counts", "ndr-fg-a")]
        month = end[:7]
        baselines.append(program.baselines(month, f"{end[:-1]}:00Z", lake, *given))
        runs.append(program.stage("ndr-fg-c", week, lake, *given, "--baseline-month", month))
        return Run.joined(runs)

    runs = bench.in_turn({"product": once})["product"]
    return {"product": summary(runs), "baselines": summary(baselines)}
