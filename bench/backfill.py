"""Backfills: a week of few hosts, and a day of many."""

from __future__ import annotations

import shutil
from typing import Any

from bench.chain import ready_lake
from bench.data import DAY, SIMULATION_START
from bench.measure import Run, fresh_copy, summary
from bench.stages import Program
from bench.windows import Bench
from common.windows import WINDOW as STEP
from common.windows import WINDOWS_PER_DAY, Windows, iso, parse_moment

PARAMETERS = "horizons: {7d: {days: 7, gap_days: 0}}\nmodel_horizon: 7d\n"
STAGES = ("ndr-delta", "ndr-pair-counts", "ndr-fg-a", "ndr-fg-c")


def week(bench: Bench, program: Program) -> dict[str, Any]:
    """A simulated week with one command per stage; the baselines for FG-C are timed separately."""
    logs = bench.data.simulation()
    start = parse_moment(f"{SIMULATION_START}T00:08Z")
    windows = str(Windows(start, start + bench.data.sizes.simulated_days * WINDOWS_PER_DAY * STEP))
    end = iso(Windows.parse(windows).end)
    parameters = bench.work / "parameters.yaml"
    parameters.write_text(PARAMETERS)
    baselines: list[Run] = []

    def once() -> Run:
        lake = bench.work / "lake-week"
        shutil.rmtree(lake, ignore_errors=True)
        given = ("--parameters", str(parameters))
        runs = [program.stage("ndr-delta", windows, lake, "--input", str(logs), *given)]
        runs += [program.stage(name, windows, lake, *given) for name in ("ndr-pair-counts", "ndr-fg-a")]
        month = end[:7]
        baselines.append(program.baselines(month, f"{end[:-1]}:00Z", lake, *given))
        runs.append(program.stage("ndr-fg-c", windows, lake, *given, "--baseline-month", month))
        return Run.joined(runs)

    runs = bench.in_turn({"product": once})["product"]
    return {"product": summary(runs), "baselines": summary(baselines)}


def day(bench: Bench, program: Program, sessions: int) -> dict[str, Any]:
    """A day of canonical sessions, as many as given in each window, with one command per stage."""
    logs, ready = bench.data.day(sessions), ready_lake(bench, program)
    runs: dict[str, list[Run]] = {name: [] for name in STAGES}
    for _ in range(bench.repeats):
        lake = fresh_copy(ready, bench.work / "lake-day")
        for name in STAGES:
            more = ("--input", str(logs)) if name == "ndr-delta" else ()
            runs[name].append(program.stage(name, DAY, lake, *more))
    whole = [Run.joined(list(of_stages)) for of_stages in zip(*runs.values(), strict=True)]
    return {"product": summary(whole), **{name: summary(found) for name, found in runs.items()}}
