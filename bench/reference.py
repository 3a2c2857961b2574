"""The reference: slices, pair counts, FG-A and FG-C of one window in hand-written DuckDB SQL.

    python -m bench.reference --sessions FOLDER --lake FOLDER --window START --out FOLDER

It keeps the sessions as a table with all their columns, too, as the product does. Instead of sessions, `--lines` takes
log lines, `*.csv` of PAN-OS or `*.json` of ECS, from which it makes sessions in Parquet first, without checking values;
these are what it keeps. FG-C is computed if the lake has baselines.

It is optimised for speed: sessions are grouped once for pairs and pair counts, the slices of all look-backs once with
conditional sums, and intermediate tables stay in memory. It supports only the default project and a single window.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from bench import reference_slices as slices
from bench.reference_deviations import fg_c_steps
from bench.reference_features import fg_a_steps
from bench.reference_logs import sessions_of
from common.features.spec import load_spec
from common.lake.lake import Lake
from common.windows import Windows

COMPRESSED = "COMPRESSION zstd, COMPRESSION_LEVEL 1"
"""As the product compresses its tables."""


def run(
    connection: duckdb.DuckDBPyConnection,
    sessions: Path | None,
    lines: Path | None,
    lake: Lake,
    window: Windows,
    out: Path,
) -> None:
    """Writes the tables below `out`, and prints the seconds of each step."""
    spec = load_spec("v1")
    seconds: dict[str, float] = {}
    cpu_seconds: dict[str, float] = {}

    def step(name: str, *queries: str) -> None:
        began, used = time.monotonic(), time.process_time()
        for query in queries:
            connection.execute(query)
        seconds[name] = round(time.monotonic() - began, 3)
        cpu_seconds[name] = round(time.process_time() - used, 3)

    def written(name: str, query: str) -> str:
        return f"COPY ({query}) TO '{out / name}.parquet' (FORMAT parquet)"

    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET preserve_insertion_order = false")
    files = f"{sessions}/*.parquet"
    if lines:
        files = f"{out}/parsed.parquet"
        step("parse", written("parsed", sessions_of(lines)))
    connection.execute(f"CREATE VIEW sessions AS SELECT * FROM read_parquet('{files}')")
    began = time.monotonic()
    row = connection.execute(slices.DUPLICATES).fetchone()
    if row is None or row[0]:
        raise SystemExit("the sessions have duplicates, which the reference does not support")
    seconds["duplicates"] = round(time.monotonic() - began, 3)
    if sessions:
        query = slices.kept(files, pq.read_schema(next(sessions.glob("*.parquet"))).names, window)
        step("sessions", f"COPY ({query}) TO '{out}/sessions.parquet' (FORMAT parquet, {COMPRESSED})")
    places = {f"{side}_internal": slices.internal(f"{side}_ip") for side in ("src", "dst")}
    places |= {f"{side}_segment": slices.segment(f"{side}_ip") for side in ("src", "dst")}
    hosts = " UNION ALL ".join(f"({slices.delta_host(spec, window, role)})" for role in slices.HOST_COLUMN)
    step(
        "delta_pair",
        slices.SERVICES.format(**places),
        slices.DELTA_PAIR.format(bounds=slices.bounds(window), columns=slices.PAIR_COLUMNS),
        written("delta_pair", "FROM delta_pair"),
    )
    step("delta_host", f"CREATE TEMP TABLE delta_host AS {hosts}", written("delta_host", "FROM delta_host"))
    counts = slices.PAIR_COUNTS.format(bounds=slices.bounds(window))
    step("pair_counts", f"CREATE TEMP TABLE pair_counts AS {counts}", written("pair_counts", "FROM pair_counts"))
    for name, query in fg_a_steps(spec, lake, window):
        if name == "fg_a":
            step(name, f"CREATE TEMP TABLE fg_a AS {query}", written(name, "FROM fg_a"))
        else:
            step(name, query)
    if lake.exists("fg_b/publications"):
        for name, query in fg_c_steps(spec, lake, window):
            step(name, written(name, query) if name == "fg_c" else query)
    print(
        json.dumps(
            {"stage": "duckdb", "seconds": round(sum(seconds.values()), 3), "steps": seconds, "cpu_steps": cpu_seconds}
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("lake", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    inputs = parser.add_mutually_exclusive_group(required=True)
    inputs.add_argument("--sessions", type=Path, help="folder of canonical sessions")
    inputs.add_argument("--lines", type=Path, help="folder of log lines")
    parser.add_argument("--window", type=Windows.parse, required=True)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    lake = Lake(str(given.lake), load_spec("v1"))
    run(duckdb.connect(), given.sessions, given.lines, lake, given.window, given.out)


if __name__ == "__main__":
    main()
