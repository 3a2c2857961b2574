"""Log files of every format for tests; the same seed gives the same file."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq

from tests.common.logs.panos_logs import threat, traffic

ZEEK_FIELDS = "ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto service duration orig_bytes resp_bytes conn_state"
ARGUS_HEADER = "StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,dTos,TotPkts,TotBytes,SrcBytes"
START = datetime(2024, 3, 11, 16, 22, 50, tzinfo=UTC)


def _panos(chance: random.Random, count: int) -> bytes:
    def line(number: int) -> str:
        changes = {39: str(number), 7: f"10.{chance.randrange(256)}.{chance.randrange(256)}.9"}
        if chance.random() < 0.1:
            return threat(chance.choice((42, 79, 121)), {36: str(number)})
        return traffic(chance.choice((46, 115)), changes)

    return "\n".join(map(line, range(count))).encode()


def _syslog(chance: random.Random, count: int) -> bytes:
    return b"".join(b"<14>Mar 11 16:23:31 fw1 " + line + b"\n" for line in _panos(chance, count).split(b"\n"))


def _vector(chance: random.Random, count: int) -> bytes:
    lines = _syslog(chance, count).decode().splitlines()
    return "\n".join(json.dumps({"message": line, "host": "fw1"}) for line in lines).encode()


def _array(chance: random.Random, count: int) -> bytes:
    objects = [json.loads(line) for line in _sls(chance, count).split(b"\n")]
    return json.dumps(objects, indent=chance.choice((None, 1))).encode()


def _sls(chance: random.Random, count: int) -> bytes:
    def document(number: int) -> dict[str, object]:
        return {
            "LogType": chance.choice(("TRAFFIC", "TRAFFIC", "THREAT", "SYSTEM")), "Subtype": "end",
            "SourceAddress": f"10.1.2.{number % 250}", "SourcePort": 51514, "DestinationAddress": "198.51.100.7",
            "DestinationPort": 443, "Protocol": "tcp", "BytesSent": number, "BytesReceived": 7250, "PacketsSent": 15,
            "PacketsReceived": 16, "SessionStartTime": "2024-03-11T16:22:50.000000Z", "SessionDuration": 12,
            "SequenceNo": number, "SessionID": 48211, "TimeGenerated": "2024-03-11T16:23:30.000000Z",
        }  # fmt: skip

    return "\n".join(json.dumps(document(number)) for number in range(count)).encode()


def _ecs(chance: random.Random, count: int) -> bytes:
    def document(number: int) -> dict[str, object]:
        return {
            "@timestamp": "2024-03-11T16:23:30.000Z",
            "source": {"ip": f"10.1.{chance.randrange(256)}.7", "port": 55331, "bytes": number, "packets": 2},
            "destination": {"ip": "34.230.55.224", "port": 443, "bytes": 197, "packets": 3},
            "network": {"transport": "tcp", "application": "ssl"},
            "event": {"action": "flow_terminated", "start": "2024-03-11T16:22:50.000Z", "duration": 12_000_000_000},
            "panw": {"panos": {"type": "TRAFFIC", "sub_type": "end", "sequence_number": str(number)}},
        }

    return "\n".join(json.dumps(document(number)) for number in range(count)).encode()


def _zeek(chance: random.Random, count: int) -> bytes:
    fields = "\t".join(ZEEK_FIELDS.split())
    rows = [f"17101732{number % 100:02d}.5\tC{number}\t10.1.1.{chance.randrange(256)}\t51514\t198.51.100.7\t443\ttcp"
            f"\tssl\t1.25\t{number}\t197\tSF" for number in range(count)]  # fmt: skip
    return "\n".join(("#separator \\x09", "#unset_field\t-", f"#fields\t{fields}", *rows, "#close\t1")).encode()


def _zeek_json(chance: random.Random, count: int) -> bytes:
    row = {"id.orig_h": "10.1.1.1", "id.orig_p": 5, "id.resp_h": "10.9.9.9", "id.resp_p": 53, "proto": "udp"}
    return "\n".join(
        json.dumps(row | {"ts": 1710173200.5 + number, "uid": f"C{number}", "conn_state": "SF", "duration": 0.5})
        for number in range(count)
    ).encode()


def _argus(chance: random.Random, count: int) -> bytes:
    rows = [f"2024/03/11 16:22:50.{number:06d},1.25,tcp,10.1.1.{chance.randrange(256)},51514,->,198.51.100.7,443,"
            f"FSPA_FSPA,0,0,12,{2_000 + number},900" for number in range(count)]  # fmt: skip
    return "\n".join((ARGUS_HEADER, *rows)).encode()


def _parquet(chance: random.Random, count: int) -> bytes:
    rows = [
        {"event_type": "TRAFFIC", "subtype": "end", "start_ts": START, "end_ts": START + timedelta(seconds=number),
         "duration_s": float(number), "src_ip": f"10.1.1.{number % 256}", "src_port": 55331, "dst_ip": "2001:db8::1",
         "dst_port": chance.choice((443, 53, 70_000)), "protocol": "tcp", "bytes_sent": 367, "bytes_received": 197,
         "session_id": str(number), "repeat_count": 1}
        for number in range(count)
    ]  # fmt: skip
    table = pa.Table.from_pylist(rows)
    if chance.random() < 0.3:
        table = table.cast(pa.schema([(name, pa.string()) for name in table.schema.names]))
    elif chance.random() < 0.3:
        unit = chance.choice(("s", "ms"))
        times = pa.array([chance.choice((-62_135_596_800, 0, 253_402_300_799)) for _ in rows], pa.int64())
        table = table.set_column(2, "start_ts", times.cast(pa.timestamp(unit)))
    into = io.BytesIO()
    compression = chance.choice(("snappy", "zstd", "none", "gzip"))
    pq.write_table(table, into, compression=compression, row_group_size=chance.choice((10, 1_000)))
    return into.getvalue()


SAMPLES: dict[str, Callable[[random.Random, int], bytes]] = {
    "panos": _panos,
    "syslog": _syslog,
    "sls": _sls,
    "ecs": _ecs,
    "vector": _vector,
    "array": _array,
    "zeek": _zeek,
    "zeek_json": _zeek_json,
    "argus": _argus,
    "parquet": _parquet,
}
