"""Flows of the CIDDS data sets (Coburg Intrusion Detection Data Sets): CSV with rounded bytes and with labels."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from common.logs import values
from common.logs.batches import KEPT, ParsedBatch, RecordCollector
from common.logs.named_lines import Fields, NamedColumns, number_of, read_named
from common.logs.one_way import oriented
from common.logs.records import TRAFFIC, session_of
from common.logs.source import Source
from common.logs.values import FieldError, shown

NAME = "cidds"
SPLITTABLE = False  # a header names the columns
TYPICAL = ("Date first seen", "Duration", "Proto", "Src IP Addr", "Src Pt", "Dst IP Addr", "Dst Pt")

REQUIRED = (
    "Date first seen", "Duration", "Proto", "Src IP Addr", "Src Pt", "Dst IP Addr", "Dst Pt", "Packets", "Bytes"
)  # fmt: skip
_BYTES = re.compile(r"([0-9]+)(\.[0-9]+)?\s*([KMGT]?)")
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def sniff(line: bytes) -> bool:
    """Whether the line is the header of a CIDDS file."""
    return line.startswith(b"Date first seen,") and b"Src IP Addr" in line


def read(source: Source) -> Iterator[ParsedBatch]:
    """The flows of the file as sessions. The labels are not read.

    Raises:
        FormatError: the header lacks a column.
    """

    def parse(fields: Fields, number: int, into: RecordCollector) -> None:
        into.keep(number, session_of(TRAFFIC, _raw(fields), source.options), KEPT)

    def is_header(line: str) -> bool:
        return line.startswith("Date first seen,")

    return read_named(source, NamedColumns("a CIDDS file", (REQUIRED,), is_header, parse))


def _raw(fields: Fields) -> dict[str, str | None]:
    is_icmp = values.protocol(fields["Proto"]) == "icmp"
    raw: dict[str, str | None] = {
        "subtype": "end",
        "action": "allow",
        "start_ts": fields["Date first seen"],
        "duration_s": fields["Duration"],
        "src_ip": fields["Src IP Addr"],
        "src_port": None if is_icmp else number_of("Src Pt", fields["Src Pt"]),
        "dst_ip": fields["Dst IP Addr"],
        "dst_port": None if is_icmp else number_of("Dst Pt", fields["Dst Pt"]),  # of ICMP, type and code: 8.0
        "protocol": fields["Proto"],
        "repeat_count": fields.get("Flows"),
    }
    return oriented(raw, whole_bytes(fields["Bytes"]), number_of("Packets", fields["Packets"]))


def whole_bytes(text: str) -> str:
    """The bytes of `9.1 M`, which is rounded: nfdump's K, M and G are powers of 1,000."""
    match = _BYTES.fullmatch(text.strip())
    if match is None or (match[2] and not match[3] and set(match[2]) > {".", "0"}):
        raise FieldError(f"Bytes {shown(text)} is not a number of bytes")
    return str(int(Decimal(match[1] + (match[2] or "")) * _UNITS[match[3]]))
