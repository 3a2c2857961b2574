"""Flows of nfdump as CSV (`nfdump -o csv`), of releases to 1.6 and from 1.7."""

from __future__ import annotations

from collections.abc import Iterator

from common.logs import values
from common.logs.batches import KEPT, ParsedBatch, RecordCollector
from common.logs.named_lines import Fields, NamedColumns, read_named
from common.logs.one_way import oriented
from common.logs.records import TRAFFIC, session_of
from common.logs.source import Source

NAME = "nfdump"
SPLITTABLE = False  # a header names the columns
TYPICAL = ("ts", "te", "td", "sa", "da", "sp", "dp", "pr", "ipkt", "ibyt")

OLD = {
    "start_ts": "ts", "duration_s": "td", "src_ip": "sa", "dst_ip": "da", "src_port": "sp", "dst_port": "dp",
    "protocol": "pr", "device_name": "ra",
}  # fmt: skip
NEW = {
    "start_ts": "firstSeen", "duration_s": "duration", "src_ip": "srcAddr", "dst_ip": "dstAddr", "src_port": "srcPort",
    "dst_port": "dstPort", "protocol": "proto", "repeat_count": "flows",
}  # fmt: skip
REQUIRED = (
    ("ts", "td", "sa", "da", "sp", "dp", "pr", "ipkt", "ibyt"),
    ("firstSeen", "duration", "proto", "srcAddr", "srcPort", "dstAddr", "dstPort", "packets", "bytes"),
)
_SUMMARY = {"Summary": "summary", "No matched flows": "summary", "No matching flows": "summary"}


def sniff(line: bytes) -> bool:
    """Whether the line is nfdump's header."""
    return line.startswith((b"ts,te,td,sa,da,", b"firstSeen,duration,proto,srcAddr,"))


def read(source: Source) -> Iterator[ParsedBatch]:
    """The flows of the file as sessions; the summary is counted only.

    Raises:
        FormatError: the header lacks a column.
    """

    def parse(fields: Fields, number: int, into: RecordCollector) -> None:
        into.keep(number, session_of(TRAFFIC, _raw(fields), source.options), KEPT)

    def is_header(line: str) -> bool:
        return sniff(line.encode())

    return read_named(source, NamedColumns("CSV of nfdump", REQUIRED, is_header, parse, skipped=_SUMMARY))


def _raw(fields: Fields) -> dict[str, str | None]:
    names = OLD if "ts" in fields else NEW
    raw: dict[str, str | None] = {name: fields.get(column) for name, column in names.items()}
    raw |= {"subtype": "end", "action": "allow"}
    for name in ("src_port", "dst_port"):  # of ICMP, type and code: 8.0
        port = raw[name] or ""
        raw[name] = None if "." in port and values.protocol(raw["protocol"]) == "icmp" else port
    if "ts" not in fields:
        return oriented(raw, fields.get("bytes"), fields.get("packets"))
    there, back = (fields.get("ibyt"), fields.get("ipkt")), (fields.get("obyt"), fields.get("opkt"))
    if not any(value and value != "0" for value in back):
        return oriented(raw, *there)
    return raw | {
        "bytes_sent": there[0],
        "packets_sent": there[1],
        "bytes_received": back[0],
        "packets_received": back[1],
    }
