"""Time of parsing CEF of PAN-OS to canonical sessions, compared with DuckDB's extraction of the same columns.

    python -m bench.keyed_logs [--lines N] [--json FILE]

DuckDB reads the lines with `read_csv` and takes each column out with `regexp_extract`, cast to its type; it checks no
values. Both take turns, and the median counts.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from pathlib import Path
from typing import Any

import duckdb

from bench.parse import TYPES
from bench.turns import compared
from common.logs import ReadOptions, read_files
from common.logs.formats.cef import PAN_OS, PROFILES
from common.logs.records import TRAFFIC

TEMPLATE = (
    "<14>Mar  3 08:10:31 edge-fw1 CEF:0|Palo Alto Networks|PAN-OS|10.2.4|end|TRAFFIC|1|rt=Mar 03 2026 {time} GMT "
    "deviceExternalId=01320100000{device} src=10.1.{net}.{host} dst=198.51.{peer}.7 sourceTranslatedAddress=0.0.0.0 "
    "destinationTranslatedAddress=198.51.{peer}.7 cs1Label=Rule cs1=outbound web {device} suser=corp\\\\user{host} "
    "duser= app=ssl cs3Label=Virtual System cs3=vsys1 cs4Label=Source Zone cs4=trust cs5Label=Destination Zone "
    "cs5=untrust deviceInboundInterface=ethernet1/2 deviceOutboundInterface=ethernet1/1 cs6Label=LogProfile cs6=fwd "
    "cn1Label=SessionID cn1={session} cnt=1 spt={port} dpt=443 sourceTranslatedPort={nat} "
    "destinationTranslatedPort=443 flexString1Label=Flags flexString1=0x400053 proto=tcp act=allow "
    "flexNumber1Label=Total bytes flexNumber1={total} in={sent} out={received} cn2Label=Packets cn2=31 "
    "PanOSPacketsReceived=16 PanOSPacketsSent=15 start=Mar 03 2026 {time} GMT cn3Label=Elapsed time in seconds "
    "cn3={elapsed} cs2Label=URL Category cs2=any externalId={sequence} reason=tcp-fin PanOSDGl1=0 PanOSDGl2=0 "
    "PanOSDGl3=0 PanOSDGl4=0 PanOSVsysName= dvchost=edge-fw1 cat=from-policy PanOSActionFlags=0x8000000000000000\n"
)


def write_lines(path: Path, lines: int) -> None:
    draw = random.Random(1)
    with path.open("w") as file:
        for at in range(lines):
            sent, received, second = draw.randrange(10**5), draw.randrange(10**6), at % 86_400
            file.write(
                TEMPLATE.format(
                    time=f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}",
                    device=draw.randrange(3),
                    net=draw.randrange(8),
                    host=draw.randrange(1, 250),
                    peer=draw.randrange(1, 250),
                    session=at,
                    port=draw.randrange(1024, 65_536),
                    nat=draw.randrange(1024, 65_536),
                    sent=sent,
                    received=received,
                    total=sent + received,
                    elapsed=draw.randrange(300),
                    sequence=7_291_000_000_000_000_001 + at,
                )
            )


def parse_with_reader(path: str, threads: int) -> int:
    return sum(batch.sessions.num_rows for batch in read_files([path], ReadOptions(format="cef"), threads))


def parse_with_duckdb(path: str, threads: int) -> int:
    keys = {name: keys[0] for name, keys in PROFILES[TRAFFIC, PAN_OS].keys.items() if f" {keys[0]}=" in TEMPLATE}
    keys |= {"log_time": "rt"}
    columns = []
    for name, key in keys.items():
        text = f"nullif(regexp_extract(line, '[ |]{key}=(.*?)( [A-Za-z0-9]+=|$)', 1), '')"
        if name in ("log_time", "logged_start"):
            text = f"strptime({text}, '%b %d %Y %H:%M:%S GMT')"
        columns.append(
            f"CAST({text} AS {TYPES.get(name, 'VARCHAR')}) AS {name}" if name in TYPES else f"{text} AS {name}"
        )
    connection = duckdb.connect(config={"threads": threads})
    table = connection.sql(
        f"SELECT {', '.join(columns)} FROM read_csv('{path}', columns = {{'line': 'VARCHAR'}}, auto_detect = false, "
        "header = false, delim = '\x1f', quote = '', escape = '')"
    ).to_arrow_table()
    return int(table.num_rows)


def measure(path: Path, threads: int, repeats: int) -> dict[str, Any]:
    found: dict[str, Any] = {"bytes": path.stat().st_size, "threads": threads}
    found |= compared(
        path.name,
        lambda: parse_with_reader(str(path), threads),
        lambda: parse_with_duckdb(str(path), threads),
        repeats,
    )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=100_000, help="number of lines (default: 100000)")
    parser.add_argument("--threads", type=int, default=1, help="threads of each (default: 1)")
    parser.add_argument("--repeats", type=int, default=3, help="number of runs of each parser (default: 3)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a JSON file, too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cef.log"
        write_lines(path, arguments.lines)
        found = measure(path, arguments.threads, arguments.repeats)
    print(
        "{rows} CEF lines, {bytes} bytes: reader {reader_seconds} s, DuckDB {duckdb_seconds} s, ratio {ratio} "
        "(processor time {cpu_ratio})".format(**found)
    )
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
