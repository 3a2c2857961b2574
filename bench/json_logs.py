"""Time of parsing ECS, Strata and Zeek logs to canonical sessions, compared with DuckDB's readers of the same columns.

    python -m bench.json_logs [FORMAT...] [--records N] [--json FILE]

The logs are written for the run, with values of real variety. Reader and DuckDB take turns, which spreads the load of
other programs evenly, and the median counts. DuckDB produces an Arrow table of typed columns without checking values;
the reader produces validated batches.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from bench.turns import compared
from common.logs import ReadOptions, read_files

START = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
APPS = ("ssl", "dns", "web-browsing", "ms-office365-base", "ntp", "ssh", "quic-base")

Schema = dict[str, Any]
"""DuckDB type by name; objects as dictionaries."""


def flows(count: int) -> Iterator[dict[str, Any]]:
    chance = random.Random(7)
    for number in range(count):
        sent = chance.randrange(60, 90_000)
        yield {
            "number": number, "start": START + timedelta(milliseconds=37 * number), "seconds": chance.randrange(0, 900),
            "src": f"10.{chance.randrange(4)}.{chance.randrange(64)}.{chance.randrange(1, 250)}",
            "dst": f"198.{18 + chance.randrange(2)}.{chance.randrange(64)}.{chance.randrange(1, 250)}",
            "port": chance.randrange(1_024, 65_536), "service": chance.choice((443, 443, 53, 80, 123)),
            "sent": sent, "received": sent * 3, "packets": sent // 500 + 1, "app": chance.choice(APPS),
            "user": f"user{chance.randrange(900)}",
        }  # fmt: skip


def iso(time: datetime, digits: int = 3) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time:%f}"[: len("2026-03-03T08:00:00.") + digits] + "Z"


def ecs(flow: dict[str, Any]) -> dict[str, Any]:
    end = flow["start"] + timedelta(seconds=flow["seconds"])
    return {
        "@timestamp": iso(end), "ecs": {"version": "8.11.0"},
        "event": {"action": "flow_terminated", "start": iso(flow["start"]), "end": iso(end), "module": "panw",
                  "duration": flow["seconds"] * 10**9, "type": ["allowed", "end", "connection"]},
        "source": {"ip": flow["src"], "port": flow["port"], "bytes": flow["sent"], "packets": flow["packets"],
                   "user": {"name": flow["user"], "domain": "corp"}, "nat": {"ip": "203.0.113.9", "port": 40_001},
                   "geo": {"name": "10.0.0.0-10.255.255.255"}},
        "destination": {"ip": flow["dst"], "port": flow["service"], "bytes": flow["received"],
                        "packets": flow["packets"] + 1, "geo": {"name": "Germany"}},
        "network": {"transport": "tcp", "application": flow["app"]}, "rule": {"name": "outbound-web"},
        "panw": {"panos": {"type": "TRAFFIC", "sub_type": "end", "flow_id": str(flow["number"] % 262_144),
                           "action": "allow", "endreason": "tcp-fin", "repeat_count": 1,
                           "sequence_number": str(7 * 10**15 + flow["number"])}},
        "observer": {"serial_number": "013201000001", "ingress": {"zone": "trust"}, "egress": {"zone": "untrust"}},
    }  # fmt: skip


ECS: Schema = {
    "@timestamp": "TIMESTAMP",
    "event": {"action": "VARCHAR", "start": "TIMESTAMP", "end": "TIMESTAMP", "duration": "BIGINT"},
    "source": {"ip": "VARCHAR", "port": "INTEGER", "bytes": "BIGINT", "packets": "BIGINT",
               "user": {"name": "VARCHAR", "domain": "VARCHAR"}, "nat": {"ip": "VARCHAR", "port": "INTEGER"},
               "geo": {"name": "VARCHAR"}},
    "destination": {"ip": "VARCHAR", "port": "INTEGER", "bytes": "BIGINT", "packets": "BIGINT",
                    "geo": {"name": "VARCHAR"}},
    "network": {"transport": "VARCHAR", "application": "VARCHAR"}, "rule": {"name": "VARCHAR"},
    "panw": {"panos": {"type": "VARCHAR", "sub_type": "VARCHAR", "flow_id": "VARCHAR", "action": "VARCHAR",
                       "endreason": "VARCHAR", "repeat_count": "BIGINT", "sequence_number": "BIGINT"}},
    "observer": {"serial_number": "VARCHAR", "ingress": {"zone": "VARCHAR"}, "egress": {"zone": "VARCHAR"}},
}  # fmt: skip


def strata(flow: dict[str, Any]) -> dict[str, Any]:
    end = flow["start"] + timedelta(seconds=flow["seconds"])
    return {
        "LogType": "TRAFFIC", "Subtype": "end", "TimeGenerated": iso(end, 6), "TimeReceived": iso(end, 6),
        "SourceAddress": flow["src"], "DestinationAddress": flow["dst"], "SourcePort": flow["port"],
        "DestinationPort": flow["service"], "Protocol": "tcp", "BytesSent": flow["sent"], "NATSource": "",
        "BytesReceived": flow["received"], "PacketsSent": flow["packets"], "PacketsReceived": flow["packets"] + 1,
        "SessionStartTime": iso(flow["start"], 6), "SessionDuration": flow["seconds"], "Application": flow["app"],
        "SessionID": flow["number"] % 262_144, "Action": "allow", "Rule": "outbound-web", "FromZone": "trust",
        "ToZone": "untrust", "SourceUser": f"corp\\{flow['user']}", "DeviceSN": "013201000001", "RepeatCount": 1,
        "SequenceNo": 7 * 10**15 + flow["number"], "SessionEndReason": "tcp-fin", "IsDuplicateLog": False,
        "SourceLocation": "10.0.0.0-10.255.255.255", "DestinationLocation": "DE", "ConfigVersion": "10.1",
    }  # fmt: skip


STRATA: Schema = (
    dict.fromkeys(("LogType", "Subtype", "SourceAddress", "DestinationAddress", "Protocol", "Application"), "VARCHAR")
    | dict.fromkeys(("SessionID", "Action", "Rule", "FromZone", "ToZone", "SourceUser", "DeviceSN"), "VARCHAR")
    | dict.fromkeys(("SessionEndReason", "SourceLocation", "DestinationLocation", "NATSource"), "VARCHAR")
    | dict.fromkeys(("TimeGenerated", "SessionStartTime"), "TIMESTAMP")
    | dict.fromkeys(("SourcePort", "DestinationPort"), "INTEGER")
    | dict.fromkeys(("BytesSent", "BytesReceived", "PacketsSent", "PacketsReceived"), "BIGINT")
    | dict.fromkeys(("SequenceNo", "RepeatCount"), "BIGINT")
    | {"SessionDuration": "DOUBLE", "IsDuplicateLog": "BOOLEAN"}
)


def zeek(flow: dict[str, Any]) -> dict[str, Any]:
    return {
        "ts": round(flow["start"].timestamp() + 0.000123, 6), "uid": f"C{flow['number']:016x}",
        "id.orig_h": flow["src"], "id.orig_p": flow["port"], "id.resp_h": flow["dst"], "id.resp_p": flow["service"],
        "proto": "tcp", "service": flow["app"], "duration": round(flow["seconds"] + flow["number"] % 9973 / 9973, 6),
        "orig_bytes": flow["sent"], "resp_bytes": flow["received"], "conn_state": "SF", "local_orig": True,
        "local_resp": False, "missed_bytes": 0, "history": "ShADadFf", "orig_pkts": flow["packets"],
        "orig_ip_bytes": flow["sent"] + 40 * flow["packets"], "resp_pkts": flow["packets"] + 1,
        "resp_ip_bytes": flow["received"] + 40 * flow["packets"],
    }  # fmt: skip


ZEEK: Schema = {
    "ts": "DOUBLE", "uid": "VARCHAR", "id.orig_h": "VARCHAR", "id.orig_p": "INTEGER", "id.resp_h": "VARCHAR",
    "id.resp_p": "INTEGER", "proto": "VARCHAR", "service": "VARCHAR", "duration": "DOUBLE", "orig_bytes": "BIGINT",
    "resp_bytes": "BIGINT", "conn_state": "VARCHAR", "orig_pkts": "BIGINT", "orig_ip_bytes": "BIGINT",
    "resp_pkts": "BIGINT", "resp_ip_bytes": "BIGINT",
}  # fmt: skip


def tsv(records: Iterator[dict[str, Any]]) -> Iterator[str]:
    for number, record in enumerate(records):
        if not number:
            yield "#separator \\x09\n#unset_field\t-\n#path\tconn\n#fields\t" + "\t".join(record)
        yield "\t".join("TF"[not value] if isinstance(value, bool) else f"{value}" for value in record.values())


def struct(schema: Schema) -> str:
    return ", ".join(
        f'"{name}" {of if isinstance(of, str) else f"STRUCT({struct(of)})"}' for name, of in schema.items()
    )


def leaves(schema: Schema, prefix: str = "") -> Iterator[str]:
    for name, of in schema.items():
        place = f'{prefix}"{name}"'
        if isinstance(of, str):
            yield f"make_timestamp(CAST({place} * 1000000 AS BIGINT)) AS ts" if name == "ts" else place
        else:
            yield from leaves(of, f"{place}.")


def column_types(schema: Schema) -> dict[str, str]:
    return {name: of if isinstance(of, str) else f"STRUCT({struct(of)})" for name, of in schema.items()}


def json_query(path: str, schema: Schema) -> str:
    read = f"read_json({path!r}, format = 'newline_delimited', columns = {column_types(schema)!r})"
    return f"SELECT {', '.join(leaves(schema))} FROM {read}"


def tsv_query(path: str, schema: Schema) -> str:
    types = {name: schema.get(name, "VARCHAR") for name in zeek(next(flows(1)))}
    read = f"read_csv({path!r}, columns = {types!r}, delim = '\\t', header = false, skip = 4, auto_detect = false)"
    return f"SELECT {', '.join(leaves(schema))} FROM {read}"


CASES: dict[str, tuple[str, Callable[[dict[str, Any]], dict[str, Any]], Schema, bool]] = {
    "ecs": ("ecs", ecs, ECS, False),
    "strata": ("sls", strata, STRATA, False),
    "zeek-json": ("zeek", zeek, ZEEK, False),
    "zeek-tsv": ("zeek", zeek, ZEEK, True),
}


def measure(name: str, folder: Path, records: int, threads: int, repeats: int) -> dict[str, Any]:
    log_format, document, schema, is_tsv = CASES[name]
    path = folder / name
    written = map(document, flows(records))
    lines = tsv(written) if is_tsv else (json.dumps(line, separators=(",", ":")) for line in written)
    with path.open("w") as into:
        into.writelines(f"{line}\n" for line in lines)
    query = (tsv_query if is_tsv else json_query)(str(path), schema)
    options = ReadOptions(format=log_format)

    def reader() -> int:
        return sum(batch.sessions.num_rows for batch in read_files([str(path)], options, threads))

    def database() -> int:
        return int(duckdb.connect(config={"threads": threads}).sql(query).to_arrow_table().num_rows)

    found: dict[str, Any] = {"format": name, "bytes": path.stat().st_size, "threads": threads}
    found |= compared(name, reader, database, repeats)
    if found["rows"] != records:
        raise SystemExit(f"{name}: not all of {records} records were read: {found}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("formats", nargs="*", metavar="FORMAT", help=f"any of {', '.join(CASES)} (default: all)")
    parser.add_argument("--records", type=int, default=200_000, help="records of each log (default: 200000)")
    parser.add_argument(
        "--threads", type=int, default=os.cpu_count() or 1, help="threads of each (default: one per core)"
    )
    parser.add_argument("--repeats", type=int, default=5, help="number of runs of each parser (default: 5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a JSON file, too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = [
            measure(name, Path(folder), arguments.records, arguments.threads, arguments.repeats)
            for name in arguments.formats or CASES
        ]
    for result in results:
        print(
            "{format}: {rows} sessions, {bytes} bytes; reader {reader_seconds} s, DuckDB {duckdb_seconds} s, "
            "ratio {ratio} (processor time {cpu_ratio})".format(**result)
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
