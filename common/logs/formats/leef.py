"""LEEF (1.0 and 2.0) of PAN-OS and of Strata Logging Service, with any delimiter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.logs.batches import ParsedBatch
from common.logs.keyed import Style
from common.logs.pair_rules import unescaped
from common.logs.pairs import PLAIN, Profile, Rule, Together, read_pairs
from common.logs.records import THREAT, TRAFFIC, Raw
from common.logs.source import Source
from common.logs.spelled_times import cef_time
from common.logs.vectors import as_text, by_distinct

NAME = "leef"
SPLITTABLE = True
TYPICAL = ("LEEF:2.0", "cat", "src", "dst", "srcPort", "dstPort", "srcBytes", "dstBytes")

VENDOR = "Palo Alto Networks"
TEMPLATE = "PAN-OS Syslog Integration"
"""The product of PAN-OS's template, in which the event of a TRAFFIC log is its action."""

KEYS: dict[str, tuple[str, ...]] = {
    "subtype": ("Subtype", "SubType"),
    "device_serial": ("SerialNumber", "DeviceSN"),
    "src_ip": ("src",),
    "dst_ip": ("dst",),
    "nat_src_ip": ("srcPostNAT",),
    "nat_dst_ip": ("dstPostNAT",),
    "rule": ("RuleName", "Rule"),
    "src_user": ("SourceUser", "usrName"),
    "dst_user": ("DestinationUser",),
    "app": ("Application",),
    "virtual_system": ("VirtualSystem", "VirtualLocation"),
    "src_zone": ("SourceZone", "FromZone"),
    "dst_zone": ("DestinationZone", "ToZone"),
    "session_id": ("SessionID",),
    "repeat_count": ("RepeatCount",),
    "src_port": ("srcPort",),
    "dst_port": ("dstPort",),
    "nat_src_port": ("srcPostNATPort",),
    "nat_dst_port": ("dstPostNATPort",),
    "protocol": ("proto",),
    "action": ("action", "Action", "act"),
    "url_category": ("URLCategory",),
    "sequence_number": ("sequence", "SequenceNo"),
    "device_name": ("DeviceName", "vSrcName"),
    "src_country": ("SourceLocation",),
    "dst_country": ("DestinationLocation",),
    "log_time": ("ReceiveTime", "TimeReceived"),
    "precise_time": ("devTime",),
}
TRAFFIC_KEYS = {
    "bytes_sent": ("srcBytes",),
    "bytes_received": ("dstBytes",),
    "packets_sent": ("srcPackets",),
    "packets_received": ("dstPackets",),
    "start_ts": ("StartTime", "SessionStartTime", "startTime"),
    "duration_s": ("ElapsedTime", "SessionDuration"),
    "session_end_reason": ("SessionEndReason",),
}
THREAT_KEYS = {
    "url": ("URL", "FileName", "Miscellaneous"),
    "threat_id": ("ThreatID",),
    "threat_category": ("ThreatCategory",),
    "severity": ("Severity", "VendorSeverity"),
}

_HEADER = ("format", "vendor", "product", "version", "event")
_RECORD = re.compile(rb"LEEF:[12]\.[0-9]\|Palo Alto Networks\|")
_FIELDS = re.compile(
    rb"(LEEF:[12]\.[0-9])\|(?:[^|]*\|){4}(?:(x[0-9A-Fa-f]{1,2}|0x[0-9A-Fa-f]{1,2}|\\t|[^A-Za-z0-9=|])?\|)?"
)
_SECOND_KEY = re.compile(rb"([\t|^])[A-Za-z_][A-Za-z0-9_.-]*=")
_BY_NUMBER = re.compile(rb"0?x([0-9A-Fa-f]{1,2})")
_TYPES = ("Type", "cat")


def _profile(keys: Mapping[str, tuple[str, ...]]) -> Profile:
    texts = ("rule", "src_user", "dst_user", "url", "threat_id", "app")
    rules: dict[str, Rule] = {name: unescaped for name in texts if name in keys}
    return Profile(keys, rules | {name: cef_time for name in ("start_ts", "log_time", "precise_time") if name in keys})


PROFILES = {TRAFFIC: _profile(KEYS | TRAFFIC_KEYS), THREAT: _profile(KEYS | THREAT_KEYS)}


def sniff(line: bytes) -> bool:
    """Whether the line holds a LEEF record of Palo Alto Networks."""
    return not line.startswith(b"{") and _RECORD.search(line) is not None


def read(source: Source) -> Iterator[ParsedBatch]:
    """The sessions of the file; types other than TRAFFIC and THREAT are counted only."""
    return read_pairs(source, Leef())


class Leef:
    """How the lines are built and what they mean, as `PairFormat` asks."""

    wanted = frozenset(key for profile in PROFILES.values() for keys in profile.keys.values() for key in keys)
    wanted |= {*_TYPES}
    plain = frozenset(key for name in PLAIN for key in (KEYS | TRAFFIC_KEYS).get(name, ()))

    def style(self, line: bytes) -> Style:
        """The header of the line says what is between the pairs; LEEF 1.0 has tabs, PAN-OS's template for it pipes."""
        match = _FIELDS.search(line)
        if match is None:
            return Style(b"LEEF:1.0", _HEADER, b"\t")
        if match[2] is not None:
            return Style(match[1], (*_HEADER, "delimiter"), _separator(match[2]))
        second = _SECOND_KEY.search(line, match.end())
        header = (*_HEADER, "delimiter") if match[0].endswith(b"||") else _HEADER
        return Style(match[1], header, second[1] if second else b"\t")

    def raw(self, fields: Mapping[str, str]) -> tuple[str, Raw]:
        """The log type and the texts of one line."""
        if fields.get("vendor") != VENDOR:
            return f"LEEF of {fields.get('vendor', '')}", {}
        kind = next((fields[key] for key in _TYPES if fields.get(key)), "").strip().upper()
        if kind not in PROFILES:
            return kind or "no log type", {}
        raw = PROFILES[kind].raw(fields)
        if kind == TRAFFIC:
            raw["action"] = raw["action"] or (fields.get("event") if fields.get("product") == TEMPLATE else None)
        elif not raw["log_time"]:
            raw["log_time"] = raw["precise_time"]
        return kind, {name: value for name, value in raw.items() if value or name != "log_time"}

    def together(self, table: pa.RecordBatch, style: Style) -> Iterator[Together]:
        """The same for lines that share their keys."""
        present = [as_text(table.column(key)) for key in _TYPES if key in table.schema.names]
        if not present:
            return
        types = pc.utf8_upper(pc.utf8_trim_whitespace(pc.coalesce(*present)))
        ours = pc.equal(as_text(table.column("vendor")), VENDOR)
        if "delimiter" in style.header:
            ours = pc.and_(ours, by_distinct(table.column("delimiter"), partial(_is, style.separator), pa.bool_())[0])
        for kind, profile in PROFILES.items():
            mask = np.asarray(pc.and_(pc.equal(types, kind), ours).fill_null(False))
            if not mask.any():
                continue
            raw, certain = profile.columns(table)
            if kind == TRAFFIC and "action" not in raw:
                template = pc.equal(as_text(table.column("product")), TEMPLATE).fill_null(False)
                raw["action"] = pc.if_else(template, as_text(table.column("event")), None)
            if kind == THREAT and "log_time" not in raw and "precise_time" in raw:
                raw["log_time"] = raw["precise_time"]
            yield kind, mask, raw, certain


def _separator(named: bytes) -> bytes:
    """The delimiter that the header names: itself, or its number in hexadecimal."""
    number = _BY_NUMBER.fullmatch(named)
    return bytes([int(number[1], 16)]) if number else b"\t" if named == rb"\t" else named


def _is(separator: bytes, named: str) -> bool:
    return _separator(named.encode()) == separator
