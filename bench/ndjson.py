"""Time and memory of writing NDJSON as Parquet with columns of text, compared with DuckDB, Polars and classic Spark.

    python -m bench.ndjson [--megabytes N] [--repeats N] [--with TOOL...] [--json FILE]

The log holds ECS documents, once in files of 3.5 MB and once as one file. Each tool runs in a process of its own, in
turns, which spreads the load of other programs evenly, and the median counts. DuckDB and Spark read all columns as
text; they and Polars change values that the job keeps as they are written. Memory is the greatest sum of the tool's
processes, of pages that they share each its share.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from bench.json_logs import ecs, flows

FILE_BYTES = 3_500_000
SAMPLE = 60_000
POLL_SECONDS = 0.05

JOB = "import sys; from jobs.ndjson_to_parquet.cli import main; main(sys.argv[1:])"
DUCKDB = """
import sys, duckdb
_, pattern, out, names = sys.argv
columns = {name: "VARCHAR" for name in names.split(",")}
read = f"read_json({pattern!r}, format = 'newline_delimited', columns = {columns!r}, filename = true)"
duckdb.sql(f"COPY (SELECT * FROM {read}) TO {out!r} (FORMAT parquet, COMPRESSION snappy)")
"""
POLARS = """
import sys, polars
_, pattern, out, names = sys.argv
frame = polars.scan_ndjson(pattern, include_file_paths="_source_file")
nested = [name for name, kind in frame.collect_schema().items() if isinstance(kind, polars.Struct)]
texts = [polars.col(name).struct.json_encode() for name in nested]
frame.with_columns(texts).cast(polars.String).sink_parquet(out, compression="snappy")
"""
SPARK = """
import sys
from pyspark.sql import SparkSession, functions as f
_, pattern, out, names = sys.argv
session = SparkSession.builder.master("local[*]").config("spark.ui.enabled", "false").getOrCreate()
schema = ", ".join(f"`{name}` string" for name in names.split(","))
frame = session.read.schema(schema).json(pattern).withColumn("_source_file", f.input_file_name())
frame.write.mode("overwrite").parquet(out)
"""


def write_log(folder: Path, megabytes: int) -> tuple[list[Path], Path, list[str]]:
    """The files of 3.5 MB, the one file with the same lines, and the names of the columns."""
    lines = [json.dumps(ecs(flow), separators=(",", ":")).encode() + b"\n" for flow in flows(SAMPLE)]
    (folder / "files").mkdir()
    files: list[Path] = []
    whole, at = folder / "whole.ndjson", 0
    with whole.open("wb") as into:
        while len(files) * FILE_BYTES < megabytes * 1_000_000:
            content = b""
            while len(content) < FILE_BYTES:
                content += b"".join(lines[at : at + 500])
                at = (at + 500) % SAMPLE
            files.append(folder / "files" / f"{len(files):05}.ndjson")
            files[-1].write_bytes(content)
            into.write(content)
    return files, whole, list(ecs(next(flows(1))))


def measured(command: Sequence[str]) -> dict[str, float]:
    """Wall-clock seconds of a command, processor seconds of it and its children, and the greatest memory, in MiB.

    The processor time of each process is that of the last sample.
    """
    began, most = time.perf_counter(), 0
    ticks: dict[int, int] = {}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            processes = _tree(process.pid)
            most = max(most, sum(map(_shared_out_bytes, processes)))
            ticks |= {pid: spent for pid in processes if (spent := _ticks(pid))}
            time.sleep(POLL_SECONDS)
        seconds = time.perf_counter() - began
        if process.returncode and process.stderr:
            raise SystemExit(process.stderr.read()[-2000:])
    return {"seconds": seconds, "cpu_seconds": sum(ticks.values()) / os.sysconf("SC_CLK_TCK"), "mib": most / 2**20}


def _ticks(pid: int) -> int:
    try:
        values = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(values[11]) + int(values[12])


def _tree(pid: int) -> list[int]:
    try:
        texts = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return []
    return [pid, *(one for text in texts for child in text.split() for one in _tree(int(child)))]


def _shared_out_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def commands(folder: Path, files: Sequence[Path], pattern: str, names: Sequence[str]) -> dict[str, list[str]]:
    """The command of each tool."""
    manifest = folder / "manifest.json"
    manifest.write_text(json.dumps({"fileLocations": [{"URIPrefixes": [str(file) for file in files]}]}))
    given = [pattern, str(folder / "out.parquet"), ",".join(names)]
    spark = str(Path(".venv-spark/bin/python").absolute())
    return {
        "job": [sys.executable, "-c", JOB, "--manifest", str(manifest), "--output", str(folder / "out")],
        "duckdb": [sys.executable, "-c", DUCKDB, *given],
        "polars": [sys.executable, "-c", POLARS, *given],
        "spark": [spark, "-c", SPARK, given[0], str(folder / "spark"), given[2]],
    }


def compare(what: str, size: int, tools: dict[str, list[str]], repeats: int) -> dict[str, Any]:
    """The medians of each tool, and of the ratios of the job's time to its in each turn, wall-clock and processor."""
    runs: dict[str, list[dict[str, float]]] = {tool: [] for tool in tools}
    for _ in range(repeats):
        for tool, command in tools.items():
            runs[tool].append(measured(command))
    found: dict[str, Any] = {"log": what, "bytes": size}
    for tool, results in runs.items():
        found[tool] = {name: round(statistics.median(run[name] for run in results), 2) for name in results[0]}
    for tool in islice(tools, 1, None):
        for name, key in ((f"to_{tool}", "seconds"), (f"cpu_to_{tool}", "cpu_seconds")):
            turns = zip(runs["job"], runs[tool], strict=True)
            found[name] = round(statistics.median(own[key] / other[key] for own, other in turns), 2)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=2_000, help="size of the log (default: 2000)")
    parser.add_argument("--repeats", type=int, default=3, help="number of runs of each tool (default: 3)")
    parser.add_argument("--with", nargs="*", dest="tools", default=["duckdb", "polars"], metavar="TOOL",
                        help="tools to compare with: duckdb, polars, spark (default: duckdb polars)")  # fmt: skip
    parser.add_argument("--folder", type=Path, help="where to write the log (default: the temporary folder)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a JSON file, too")
    arguments = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        files, whole, names = write_log(folder, arguments.megabytes)
        for what, inputs, pattern in (
            ("3.5 MB files", files, str(folder / "files" / "*.ndjson")),
            ("one file", [whole], str(whole)),
        ):
            tools = commands(folder, inputs, pattern, names)
            tools = {tool: command for tool, command in tools.items() if tool in ("job", *arguments.tools)}
            results.append(compare(what, whole.stat().st_size, tools, arguments.repeats))
            print(json.dumps(results[-1]))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
