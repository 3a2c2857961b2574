"""Log lines of canonical sessions: TRAFFIC lines of PAN-OS 10.1, and the ECS documents that Elastic makes of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from common.arrays import Integers
from tools.simulate.places import high_resolution, stamps

PANOS_COLUMNS = 115
ROWS = 250_000
TEXT = pa.large_string()
MARK = re.compile(r"<(\w+)>")
SPANS = "<src>,<dst>,0.0.0.0,0.0.0.0,<rule>,,,<app>,vsys1,<src_zone>,<dst_zone>,ethernet1/2,ethernet1/1,default-logging"
COUNTS = "<session>,<repeat>,<src_port>,<dst_port>,0,0,0x19,<protocol>,<action>,<bytes>,<sent>,<received>,<packets>"
PLACES = "0,<sequence>,0x8000000000000000,10.0.0.0-10.255.255.255,United States,,<packets_sent>,<packets_received>"
ORIGIN = "11,0,0,0,,hq-fw-1,from-policy,,,0,,0,,N/A,0,0,0,0,8f1c9c0e-5d31-5a47-9d1c-0c3c6a3c2f11,0,0"
TAIL = ",,,infrastructure,networking,client-server,3,used-by-malware,,untunneled,no,no,0"
PANOS = (
    f"1,<received_at>,<serial>,TRAFFIC,<subtype>,2561,<logged>,{SPANS},<logged>,{COUNTS},<started>,<seconds>,any,"
    f"{PLACES},<reason>,{ORIGIN}{',' * 35}<precise>{TAIL}\n"
)
ECS = (
    '{"@timestamp":"<end>","ecs":{"version":"8.11.0"},"event":{"action":"<flow>","start":"<start>","end":"<end>",'
    '"duration":<nanoseconds>,"module":"panw","dataset":"panw.panos","type":["connection"]},'
    '"source":{"ip":"<src>","port":<src_port>,"bytes":<sent>,"packets":<packets_sent>,'
    '"geo":{"name":"10.0.0.0-10.255.255.255"}},'
    '"destination":{"ip":"<dst>","port":<dst_port>,"bytes":<received>,"packets":<packets_received>,'
    '"geo":{"name":"United States"}},'
    '"network":{"transport":"<protocol>","application":"<app>","bytes":<bytes>,"packets":<packets>},'
    '"rule":{"name":"<rule>"},"panw":{"panos":{"type":"TRAFFIC","sub_type":"<subtype>","flow_id":"<session>",'
    '"action":"<action>","endreason":"<reason>","repeat_count":<repeat>,"sequence_number":"<sequence>"}},'
    '"observer":{"serial_number":"<serial>","hostname":"hq-fw-1","ingress":{"zone":"<src_zone>"},'
    '"egress":{"zone":"<dst_zone>"}}}\n'
)
FLOWS = {"end": "flow_terminated", "deny": "flow_denied", "drop": "flow_dropped"}
FORMS = {"csv": PANOS, "json": ECS}
PLAIN = {
    "serial": "device_serial", "subtype": "subtype", "src": "src_ip", "dst": "dst_ip", "rule": "rule", "app": "app",
    "src_zone": "src_zone", "dst_zone": "dst_zone", "session": "session_id", "repeat": "repeat_count",
    "src_port": "src_port", "dst_port": "dst_port", "protocol": "protocol", "action": "action", "sent": "bytes_sent",
    "received": "bytes_received", "sequence": "sequence_number", "packets_sent": "packets_sent",
    "packets_received": "packets_received", "reason": "session_end_reason",
}  # fmt: skip
"""The column of the session for each mark that is one."""


def write_lines(sessions: Path, folder: Path, form: str) -> None:
    """Writes a file of log lines for each file of sessions, whose times are whole seconds."""
    for path in sorted(sessions.glob("*.parquet")):
        with (folder / f"{path.stem}.{form}").open("wb") as file:
            for batch in pq.ParquetFile(path).iter_batches(ROWS):
                file.write(content(filled(FORMS[form], columns_of(batch))))


def columns_of(sessions: pa.RecordBatch) -> dict[str, Callable[[], pa.Array]]:
    """The text of each mark, one per session, made when it is asked for."""
    columns = {mark: (lambda name=name: sessions.column(name).cast(TEXT)) for mark, name in PLAIN.items()}
    seconds = {name: micros_of(sessions, f"{name}_ts") // 1_000_000 for name in ("start", "end")}
    duration = sessions.column("duration_s").to_numpy().astype("int64")

    def total(of: str) -> pa.Array:
        parts = [sessions.column(f"{of}_{side}") for side in ("sent", "received")]
        return pc.add(*parts).cast(TEXT)

    def iso(name: str) -> pa.Array:
        text = pc.replace_substring(pc.replace_substring(stamps(seconds[name]), "/", "-"), " ", "T")
        return pc.binary_join_element_wise(text, pa.scalar(".000Z", TEXT), pa.scalar("", TEXT))

    return columns | {
        "bytes": lambda: total("bytes"),
        "packets": lambda: total("packets"),
        "received_at": lambda: stamps(seconds["end"] + 2),
        "logged": lambda: stamps(seconds["end"]),
        "started": lambda: stamps(seconds["start"]),
        "precise": lambda: high_resolution(seconds["end"]),
        "seconds": lambda: pa.array(duration).cast(TEXT),
        "nanoseconds": lambda: pa.array(duration * 10**9).cast(TEXT),
        "start": lambda: iso("start"),
        "end": lambda: iso("end"),
        "flow": lambda: pa.array(list(FLOWS.values()), TEXT).take(
            pc.index_in(sessions.column("subtype"), pa.array(list(FLOWS)))
        ),
    }


def micros_of(sessions: pa.RecordBatch, name: str) -> Integers:
    micros: Integers = sessions.column(name).cast(pa.int64()).to_numpy()
    return micros


def filled(template: str, columns: Mapping[str, Callable[[], pa.Array]]) -> pa.Array:
    """The template for each row, its marks replaced by their columns."""
    constants, marks = MARK.split(template)[::2], MARK.findall(template)
    texts = {mark: columns[mark]() for mark in dict.fromkeys(marks)}
    pieces: list[pa.Array | pa.Scalar] = [pa.scalar(constants[0], TEXT)]
    for mark, constant in zip(marks, constants[1:], strict=True):
        pieces += [texts[mark], pa.scalar(constant, TEXT)]
    return pc.binary_join_element_wise(*pieces, pa.scalar("", TEXT))


def content(texts: pa.Array) -> memoryview:
    """The texts of an array without nulls, one after the other."""
    offsets = pa.Array.from_buffers(pa.int64(), len(texts) + 1, [None, texts.buffers()[1]], offset=texts.offset)
    return memoryview(texts.buffers()[2])[offsets[0].as_py() : offsets[-1].as_py()]
