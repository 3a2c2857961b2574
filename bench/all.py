r"""All benchmarks in one run: ratios, medians and memory, as JSON and as a table.

    python -m bench.all --out build/bench

Every measurement is a whole process; contestants take turns. A quick run at small sizes:

    python -m bench.all --out /tmp/bench --sessions 100000 --hosts 300 --slice-rows 5000 --day-rows 8000 \
        --documents 100000 --day-sessions 500 --growth 100000 200000 --history-days 5 30 --commits 0 200 \
        --ingestion-files 400 --c360-customers 10000 --c360-events 100000 \
        --repeats 1 --spark-repeats 0 --check
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

from bench import backfill, chain, windows
from bench.data import COMMITS, Data, Sizes
from bench.measure import compile_checkout, machine, python, run
from bench.report import table
from bench.stages import Program
from bench.targets import judged

PARTS = (
    "parse",
    "chain",
    "live",
    "window",
    "spark",
    "deviations",
    "backfill",
    "day",
    "growth",
    "history",
    "commits",
    "pairs",
    "ndjson",
    "ingestion",
    "c360",
)


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """The figures of the requested parts, by part."""
    compile_checkout()
    sizes = Sizes(**{field.name: getattr(given, field.name) for field in fields(Sizes)})
    bench = windows.Bench(Data(given.out / "data", sizes), given.out / "work", given.repeats)
    for folder in (bench.data.folder, bench.work):
        folder.mkdir(parents=True, exist_ok=True)
    program = Program.of_this_python()
    spark = Program(given.spark, "spark")
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "parse": lambda: _parse(bench, given),
        "chain": lambda: chain.chain(bench, program, given.documents),
        "live": lambda: _live(bench, program),
        "window": lambda: windows.against_duckdb(bench, program),
        "spark": lambda: windows.on_spark(bench, spark, given.spark_repeats),
        "deviations": lambda: chain.deviations(bench, program),
        "backfill": lambda: backfill.week(bench, program),
        "day": lambda: backfill.day(bench, program, given.day_sessions),
        "growth": lambda: windows.growth(bench, program, given.growth),
        "history": lambda: windows.history(bench, program, given.history_days),
        "pairs": lambda: windows.pairs(bench, program),
        "commits": lambda: _commits(bench, given),
        "ndjson": lambda: _ndjson(bench, given),
        "ingestion": lambda: _ingestion(bench, given),
        "c360": lambda: _c360(bench, given),
    }
    checks: dict[str, Callable[[], None]] = {"window": bench.check, "chain": lambda: chain.check(bench)}
    found: dict[str, Any] = {"machine": machine(), "sizes": vars(sizes), "repeats": given.repeats}
    for name in given.parts:
        if name == "spark" and not given.spark_repeats:
            continue
        before = machine()["load_average"]
        found[name] = parts[name]()
        found[name]["load_average"] = {"before": before, "after": machine()["load_average"]}
        print(f"measured: {name}", flush=True)
        if name in checks and given.check:
            checks[name]()
            print("product and reference produce equal tables", flush=True)
    return found


def _parse(bench: windows.Bench, given: argparse.Namespace) -> dict[str, Any]:
    """Runs the parse benchmark on the simulated logs as plain text."""
    result = bench.work / "parse.json"
    logs = bench.data.plain_logs()
    run([*python("bench.parse", str(logs)), "--json", str(result), "--repeats", str(given.repeats)])
    figures: dict[str, Any] = json.loads(result.read_text())[0]
    return figures


def _live(bench: windows.Bench, program: Program) -> dict[str, Any]:
    """Runs the benchmark of a live window; imports late to keep this process small."""
    from bench.live import live

    return live(bench, program)


def _commits(bench: windows.Bench, given: argparse.Namespace) -> dict[str, Any]:
    """Runs the benchmark of lakes with many commits; the figures by their number."""
    size = ("--commits", *map(str, given.commits), "--repeats", str(given.repeats))
    run([*python("bench.upkeep", "--out", str(bench.work)), *size])
    figures: dict[str, Any] = json.loads((bench.work / "upkeep.json").read_text())["commits"]
    return figures


def _ndjson(bench: windows.Bench, given: argparse.Namespace) -> dict[str, Any]:
    """Runs the benchmark of NDJSON to Parquet; the figures by log."""
    result = bench.work / "ndjson.json"
    size = ("--megabytes", str(given.ndjson_megabytes), "--repeats", str(given.repeats))
    run([*python("bench.ndjson", "--folder", str(bench.work)), *size, "--json", str(result)])
    return {entry["log"]: entry for entry in json.loads(result.read_text())}


def _ingestion(bench: windows.Bench, given: argparse.Namespace) -> dict[str, Any]:
    """Runs the benchmark of ingestion."""
    result = bench.work / "ingestion.json"
    run([*python("bench.ingestion", "--files", str(given.ingestion_files)), "--json", str(result)])
    figures: dict[str, Any] = json.loads(result.read_text())
    return figures


def _c360(bench: windows.Bench, given: argparse.Namespace) -> dict[str, Any]:
    """Runs the benchmark of Customer 360."""
    result = bench.work / "c360.json"
    size = ("--customers", str(given.c360_customers), "--events", str(given.c360_events))
    more = ("--repeats", str(given.repeats), *(["--check"] if given.check else []))
    run([*python("bench.c360", "--folder", str(bench.work)), *size, *more, "--json", str(result)])
    figures: dict[str, Any] = json.loads(result.read_text())
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the results and for inputs to reuse")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--repeats", type=int, default=5, help="number of runs of each contestant")
    for field in fields(Sizes):
        flag = f"--{field.name.replace('_', '-')}"
        parser.add_argument(flag, type=int, default=field.default, help=field.metadata["help"])
    parser.add_argument("--documents", type=int, default=1_000_000, help="number of ECS documents of the chain")
    parser.add_argument("--day-sessions", type=int, default=100_000, help="sessions in each window of a day's backfill")
    parser.add_argument("--commits", type=int, nargs="+", default=COMMITS, help="commits of the lakes to compare")
    parser.add_argument(
        "--growth",
        type=int,
        nargs="+",
        default=(1_000_000, 10_000_000, 50_000_000),
        help="session counts to compare",
    )
    parser.add_argument(
        "--history-days", type=int, nargs="+", default=(5, 30, 90), help="days of pair history to compare"
    )
    parser.add_argument("--ndjson-megabytes", type=int, default=2_000, help="size of the NDJSON files")
    parser.add_argument("--ingestion-files", type=int, default=10_000, help="number of files to ingest")
    parser.add_argument("--c360-customers", type=int, default=1_000_000, help="number of customers of Customer 360")
    parser.add_argument("--c360-events", type=int, default=10_000_000, help="number of events of Customer 360")
    parser.add_argument(
        "--spark", type=Path, default=Path(".venv-spark/bin"), help="folder of classic Spark's commands"
    )
    parser.add_argument("--spark-repeats", type=int, default=1, help="number of runs on classic Spark; 0 = none")
    parser.add_argument("--check", action="store_true", help="compare the tables value by value (small sizes only)")
    given = parser.parse_args()
    given.out = given.out.resolve()
    found = measure(given)
    found["targets"] = judged(found)
    (given.out / "bench.json").write_text(json.dumps(found, indent=2) + "\n")
    text = table(found)
    (given.out / "bench.md").write_text(text)
    print(f"\n{text}")


if __name__ == "__main__":
    main()
