r"""The chain on clusters of one, two and four Spark workers: equal tables and models, and what each stage gains.

    python -m bench.cluster --lake LAKE --input LOGS --window 2026-03-10T13:08Z --out build/bench/cluster

The lake has what a window needs: slices and pairs of the days before, baselines, and a model. With --training, a model
of that range is trained first instead. Each cluster is a Spark master with workers of one core, each a process of its
own, on this machine; 0 workers are one process without Spark, whose threads have all cores. Tables and model of each
are compared with the first one's.

`start` is an engine that starts, counts one row, and stops. `ndr-delta` to `ndr-inference` are one command, so that the
cluster starts once, in `ndr-delta`; a stage's seconds are those of its report.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.lakes import compare
from bench.measure import fresh_copy, machine, median, run
from common.contracts import tables
from common.detection.registry.pointer import model_store, read_pointer
from common.features.spec import load_spec
from common.lake.lake_format import read_record
from common.lake.reader import LakeReader
from common.runtime.programs import scripts_folder
from common.windows import Windows

WORKER_MEGABYTES = 1024
"""Of a worker's Java process; what works on the parts is Python beside it."""
JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""For short runs on few cores: no compilation that pays off only after minutes, one thread that collects garbage."""
BATCH = "bench"


@dataclass(frozen=True)
class Figure:
    """A stage, or the start of an engine: wall-clock and processor seconds, and the load when its command started."""

    stage: str
    seconds: float
    cpu_seconds: float
    load: float


@dataclass(frozen=True)
class Contestant:
    """An installation of the project, its engine, and the settings of the engine."""

    commands: Path
    engine: str
    environment: dict[str, str]

    def chain(self, given: argparse.Namespace, lake: Path) -> Iterator[Figure]:
        """The figures of the chain on a copy of the lake."""
        copy = fresh_copy(given.lake, lake)
        load = os.getloadavg()[0]
        start = run([str(self.commands / "python"), "-m", "bench.start_up", self.engine], self.environment)
        yield Figure("start", start.seconds, start.cpu_seconds, load)
        where = ("--lake", str(copy), "--engine", self.engine)
        if given.training:
            shutil.rmtree(copy / "models", ignore_errors=True)
            yield from self._stages("ndr-if-training", "--window", given.training, *where)
        through = ("--input", given.input, "--through", "join", "--mini-batch-id", BATCH)
        yield from self._stages("ndr-15m", "--window", given.window, *where, *through)
        for figure in self._stages("ndr-join", "--window", given.window, *where, "--staged", BATCH):
            yield replace(figure, stage="ndr-join --staged")

    def _stages(self, command: str, *arguments: str) -> Iterator[Figure]:
        """The figures of each stage that the command reports."""
        load = os.getloadavg()[0]
        found = run([str(self.commands / command), *arguments], self.environment)
        for report, (before, after) in zip(found.reports, pairwise((0, *found.marks)), strict=True):
            yield Figure(report["stage"], report["seconds"], after - before, load)


def contestant(given: argparse.Namespace, workers: int) -> Contestant:
    """A cluster of so many workers; with 0, one process without Spark."""
    if not workers:
        return Contestant(scripts_folder(), "sail", {})
    master = f"local-cluster[{workers},1,{WORKER_MEGABYTES}]"
    environment = {"NDR_SPARK_MASTER": master, "NDR_SPARK_CONF": given.conf, "JAVA_TOOL_OPTIONS": JAVA}
    return Contestant(given.spark, "spark", environment)


def differences(first: Path, second: Path, windows: Windows) -> list[str]:
    """The tables that differ in the windows, and how, and whether the current models do."""
    spec = load_spec("v1")
    old, new = (LakeReader(str(place), spec) for place in (first, second))
    found = {name: compare(old, new, table, windows) for name, table in tables(spec).items()}
    unequal = [f"{name}: {words}" for name, (words, same) in found.items() if not same]
    models = [model(place) for place in (first, second)]
    return unequal if models[0] == models[1] else [*unequal, f"models: {models[0]}, and {models[1]}"]


def model(lake: Path) -> str:
    """The digest of the current model's manifest, which has those of all files of the model."""
    record = read_record(str(lake))
    assert record, f"{lake} has no record"
    pointer = read_pointer(model_store(str(lake), record.require_known(str(lake)).project_name))
    return str(pointer["manifest_sha256"]) if pointer else "none"


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """The figures of each stage by number of workers, who take turns, and what is not equal to the first one's."""
    runs: dict[int, list[Figure]] = {workers: [] for workers in given.workers}
    found: dict[str, Any] = {"machine": machine()}
    reference, before = given.out / f"lake-{given.workers[0]}", work_folders(given.spark)
    for turn in range(given.repeats):
        for workers in given.workers:
            lake = given.out / f"lake-{workers}"
            for figure in contestant(given, workers).chain(given, lake):
                print(f"turn {turn}, {workers} workers: {figure}", flush=True)
                runs[workers].append(figure)
            for folder in work_folders(given.spark) - before:
                shutil.rmtree(folder)
            unequal = differences(reference, lake, Windows.parse(given.window)) if lake != reference else []
            print("; ".join(unequal) or "equal tables and models", flush=True)
            found[str(workers)] = {"stages": medians(runs[workers]), "differences": unequal}
            (given.out / "cluster.json").write_text(json.dumps(found, indent=2) + "\n")
    return found


def work_folders(commands: Path) -> set[Path]:
    """The folders that Spark's workers have in its installation, with copies of its jars, and leave there."""
    return set(commands.parent.glob("lib/python*/site-packages/pyspark/work/app-*"))


def medians(figures: Sequence[Figure]) -> dict[str, dict[str, float]]:
    """The medians of each stage."""
    names = dict.fromkeys(figure.stage for figure in figures)
    return {
        stage: {
            name: median(getattr(figure, name) for figure in figures if figure.stage == stage)
            for name in ("seconds", "cpu_seconds", "load")
        }
        for stage in names
    }


def table(found: dict[str, Any], workers: Sequence[int]) -> str:
    """The figures as Markdown: seconds and processor seconds, and how many times as fast two workers are as one."""
    lines = [f"| stage | {' | '.join(f'workers: {count}' for count in workers)} | gain of two |"]
    lines.append("|---|" + "---:|" * (len(workers) + 1))
    for stage in found[str(workers[0])]["stages"]:
        runs = {count: found[str(count)]["stages"][stage] for count in workers}
        cells = [f"{one['seconds']:.1f} ({one['cpu_seconds']:.1f})" for one in runs.values()]
        gain = f"{runs[1]['seconds'] / runs[2]['seconds']:.2f}" if {1, 2} <= set(workers) else ""
        lines.append(f"| `{stage}` | {' | '.join(cells)} | {gain} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lake", type=Path, required=True, help="lake to copy")
    parser.add_argument("--input", required=True, help="logs of the window")
    parser.add_argument("--window", required=True)
    parser.add_argument("--training", help="range to train a model on, START/END; default: the lake has a model")
    parser.add_argument("--out", type=Path, required=True, help="folder for the lakes and the results")
    parser.add_argument(
        "--workers", type=int, nargs="+", default=(0, 1, 2, 4), help="numbers of workers; 0: one process without Spark"
    )
    parser.add_argument("--repeats", type=int, default=1, help="turns of each; medians count")
    parser.add_argument("--conf", default="spark.driver.memory=2g", help="settings of Spark, separated by semicolons")
    parser.add_argument(
        "--spark", type=Path, default=Path(".venv-spark/bin"), help="folder of classic Spark's commands"
    )
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    given.out = given.out.resolve()
    print(table(measure(given), given.workers))


if __name__ == "__main__":
    main()
