"""Time of parsing PAN-OS CSV to canonical sessions, compared with DuckDB's `read_csv` of the same columns.

    python -m bench.parse LOGS... [--json FILE]

Each input (a file, folder or glob) is measured separately. Both parsers take turns, which spreads the load of other
programs evenly, and the median counts. DuckDB produces an Arrow table of the columns of a session, typed, without
checking values or settling zones; the reader produces validated batches. Quotes may be escaped by a backslash.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import duckdb

from bench.turns import compared
from common.logs import ReadOptions, find_logs, read_files
from common.logs.csv_lines import split_columns
from common.logs.detection import read_head
from common.logs.formats.panos.columns import POSITIONS, TYPE_POSITION
from common.logs.records import TRAFFIC

TYPES = {
    **dict.fromkeys(("log_time", "start_ts"), "TIMESTAMP"),
    **dict.fromkeys(("src_port", "dst_port", "nat_src_port", "nat_dst_port", "app_risk"), "INTEGER"),
    **dict.fromkeys(("bytes_sent", "bytes_received", "packets_sent", "packets_received"), "BIGINT"),
    **dict.fromkeys(("sequence_number", "repeat_count"), "BIGINT"),
    "duration_s": "DOUBLE",
}


def parse_with_reader(paths: list[str], threads: int) -> int:
    return sum(batch.sessions.num_rows for batch in read_files(paths, ReadOptions(format="panos"), threads))


CASTS = {"precise_time": "precise_time::TIMESTAMPTZ"}


def parse_with_duckdb(paths: list[str], threads: int, columns: int, escape: str) -> int:
    connection = duckdb.connect(config={"threads": threads})
    return int(connection.sql(csv_query(paths, columns, escape)).to_arrow_table().num_rows)


def csv_query(paths: list[str], columns: int, escape: str) -> str:
    """The typed columns of TRAFFIC lines in SQL."""
    names = {at: name for name, at in POSITIONS[TRAFFIC].items()} | {TYPE_POSITION: "type"}
    types = {names.get(at, f"f{at}"): TYPES.get(names.get(at, ""), "VARCHAR") for at in range(columns)}
    wanted = ", ".join(CASTS.get(name, name) for name in names.values())
    return (
        f"SELECT {wanted} FROM read_csv({paths!r}, columns = {types!r}, auto_detect = false, "
        f"header = false, delim = ',', quote = '\"', escape = '{escape}', timestampformat = '%Y/%m/%d %H:%M:%S')"
    )


def columns_of(path: str) -> int:
    """The number of columns of the file's first line."""
    first = read_head(path).split(b"\n", 1)[0]
    return len(split_columns(first.decode(), escapes=b'\\"' in first))


def escape_of(path: str) -> str:
    """What escapes a quote in the file."""
    return "\\" if b'\\"' in read_head(path) else '"'


def measure(entry: str, threads: int, repeats: int) -> dict[str, Any]:
    paths = list(find_logs([entry], ReadOptions()).paths)
    columns, escape = columns_of(paths[0]), escape_of(paths[0])
    found: dict[str, Any] = {"input": entry, "files": len(paths), "threads": threads}
    found["bytes"] = sum(Path(path).stat().st_size for path in paths)
    found |= compared(
        entry,
        lambda: parse_with_reader(paths, threads),
        lambda: parse_with_duckdb(paths, threads, columns, escape),
        repeats,
    )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inputs", nargs="+", metavar="LOGS", help="PAN-OS TRAFFIC CSV of one release, plain or gzip")
    parser.add_argument(
        "--threads", type=int, default=os.cpu_count() or 1, help="threads of each (default: one per core)"
    )
    parser.add_argument("--repeats", type=int, default=5, help="number of runs of each parser (default: 5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a JSON file, too")
    arguments = parser.parse_args()
    results = [measure(entry, arguments.threads, arguments.repeats) for entry in arguments.inputs]
    for result in results:
        print(
            "{input}: {rows} sessions in {files} files; reader {reader_seconds} s, DuckDB {duckdb_seconds} s, "
            "ratio {ratio} (processor time {cpu_ratio})".format(**result)
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
