"""The chain on clusters of one, two and four Spark workers: equal tables, and what each stage gains.

    python -m bench.cluster --lake LAKE --input SESSIONS --window 2026-03-10T13:08Z --out build/bench/cluster

The lake has what a window needs: slices and pairs of the days before, baselines, and a model. Each cluster is a Spark
master with workers of one core, each a process of its own, on this machine; the tables are compared with those of Sail.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.lakes import compare
from bench.measure import Run, fresh_copy, machine, run
from common.contracts import tables
from common.features.spec import load_spec
from common.lake.reader import LakeReader
from common.runtime.programs import scripts_folder

WORKER_MEGABYTES = 3072
STAGES = ("ndr-delta", "ndr-fg-a", "ndr-pair-counts", "ndr-fg-c", "ndr-inference", "ndr-join")


def chain(given: argparse.Namespace, lake: Path, commands: Path, engine: str, master: str = "") -> dict[str, Run]:
    """The stages on a copy of the lake, one process each."""
    copy = fresh_copy(given.lake, lake)
    where = ("--window", given.window, "--lake", str(copy), "--engine", engine)
    environment = {"NDR_SPARK_MASTER": master, "NDR_SPARK_CONF": given.conf} if master else {}
    found = {}
    for name in STAGES:
        inputs = ("--input", given.input) if name == "ndr-delta" else ()
        found[name] = run([str(commands / name), *where, *inputs], environment)
        print(f"{lake.name} {name}: {found[name].seconds:.1f} s", flush=True)
    return found


def differences(first: Path, second: Path) -> list[str]:
    """The tables that differ, and how."""
    spec = load_spec("v1")
    old, new = (LakeReader(str(place), spec) for place in (first, second))
    found = {name: compare(old, new, table) for name, table in tables(spec).items()}
    return [f"{name}: {words}" for name, (words, same) in found.items() if not same]


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """Seconds and processor seconds of each stage by number of workers, and the tables that are not equal."""
    reference = given.out / "sail"
    found: dict[str, Any] = {"machine": machine(), "sail": figures(chain(given, reference, scripts_folder(), "sail"))}
    for workers in given.workers:
        lake = given.out / f"workers-{workers}"
        runs = chain(given, lake, given.spark, "spark", f"local-cluster[{workers},1,{WORKER_MEGABYTES}]")
        found[str(workers)] = figures(runs) | {"differences": differences(reference, lake)}
        print(json.dumps({"workers": workers, **found[str(workers)]}), flush=True)
    return found


def figures(runs: dict[str, Run]) -> dict[str, Any]:
    """The figures of each stage."""
    return {
        name: {"seconds": round(one.seconds, 1), "cpu_seconds": round(one.cpu_seconds, 1)} for name, one in runs.items()
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lake", type=Path, required=True, help="lake to copy")
    parser.add_argument("--input", required=True, help="logs of the window")
    parser.add_argument("--window", required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder for the lakes and the results")
    parser.add_argument("--workers", type=int, nargs="+", default=(1, 2, 4), help="numbers of workers")
    parser.add_argument("--conf", default="spark.driver.memory=3g", help="settings of Spark, separated by semicolons")
    parser.add_argument(
        "--spark", type=Path, default=Path(".venv-spark/bin"), help="folder of classic Spark's commands"
    )
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    given.out = given.out.resolve()
    (given.out / "cluster.json").write_text(json.dumps(measure(given), indent=2) + "\n")


if __name__ == "__main__":
    main()
