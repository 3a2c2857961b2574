"""CEF (ArcSight Common Event Format) of PAN-OS and of Strata Logging Service.

The two write `in` and `out` the other way round: PAN-OS's template has `in=$bytes_sent`, the service has the bytes sent
in `out`. The product in the header tells which one wrote the line. Custom fields are read by their labels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.logs import cef_labels
from common.logs.batches import ParsedBatch
from common.logs.cef_labels import by_label, columns_by_label
from common.logs.keyed import Style
from common.logs.pair_rules import session_start, session_starts, unescaped, with_own_zone, without_foreign_zone
from common.logs.pairs import PLAIN, Profile, Rule, Together, read_pairs
from common.logs.records import THREAT, TRAFFIC, Raw
from common.logs.source import Source
from common.logs.spelled_times import cef_time
from common.logs.values import FieldError, shown
from common.logs.vectors import as_text, by_distinct

NAME = "cef"
SPLITTABLE = True
TYPICAL = ("CEF:0", "rt", "src", "dst", "spt", "dpt", "cn1", "cn3")

PAN_OS, SERVICE = "PAN-OS", "LF"
VENDOR = "Palo Alto Networks"

KEYS: dict[str, tuple[str, ...]] = {
    "device_serial": ("deviceExternalId",),
    "src_ip": ("src", "c6a2"),
    "dst_ip": ("dst", "c6a3"),
    "nat_src_ip": ("sourceTranslatedAddress",),
    "nat_dst_ip": ("destinationTranslatedAddress",),
    "rule": ("cs1",),
    "src_user": ("suser0", "suser"),
    "dst_user": ("duser0", "duser"),
    "app": ("app",),
    "virtual_system": ("cs3",),
    "src_zone": ("cs4",),
    "dst_zone": ("cs5",),
    "session_id": ("cn1",),
    "repeat_count": ("cnt",),
    "src_port": ("spt",),
    "dst_port": ("dpt",),
    "nat_src_port": ("sourceTranslatedPort",),
    "nat_dst_port": ("destinationTranslatedPort",),
    "protocol": ("proto",),
    "action": ("act",),
    "url_category": ("cs2",),
    "sequence_number": ("externalId",),
    "device_name": ("dvchost",),
    "src_country": ("PanOSSourceLocation",),
    "dst_country": ("PanOSDestinationLocation",),
    "app_category": ("PanOSApplicationCategory",),
    "app_risk": ("PanOSApplicationRisk",),
}
TRAFFIC_KEYS = {
    "packets_sent": ("PanOSPacketsSent",),
    "packets_received": ("PanOSPacketsReceived",),
    "duration_s": ("cn3",),
    "session_end_reason": ("reason",),
    "log_time": ("rt",),
}
THREAT_KEYS = {
    "log_time": ("start", "rt"),
    "url": ("request",),
    "threat_category": ("PanOSThreatCategory",),
    "severity": ("PanOSVendorSeverity", "PanOSSeverity"),
    "threat_id": ("cat", "PanOSThreatID"),
}
SUBTYPES = (
    *(
        "url",
        "virus",
        "spyware",
        "vulnerability",
        "wildfire",
        "wildfire-virus",
        "scan",
        "flood",
        "data",
        "file",
        "packet",
    ),
    *("dlp", "ml-virus", "domain-edl", "dns"),
)
SEVERITIES = {"1": "informational", "2": "low", "3": "medium", "4": "high", "5": "critical"}
"""Severity by the number that PAN-OS writes into the header."""

_HEADER = ("format", "vendor", "product", "version", "event", "name", "level")
_RECORD = re.compile(rb"CEF:([0-9])\|Palo Alto Networks\|")


def _local(value: str | None) -> str | None:
    return cef_time(value)


def _service_time(value: str | None) -> str | None:
    return cef_time(value, "Z")


def _profile(kind: str, product: str) -> Profile:
    keys = KEYS | (TRAFFIC_KEYS if kind == TRAFFIC else THREAT_KEYS)
    if kind == TRAFFIC:
        sent, received = ("in", "out") if product == PAN_OS else ("out", "in")
        own = ("PanOSSessionStartTime",)
        keys |= {"bytes_sent": (sent,), "bytes_received": (received,), "start_ts": own}
        keys |= {"logged_start": ("start",)} if product == PAN_OS else {}
    if product == SERVICE:
        keys |= {"threat_id": ("PanOSThreatID", "cat")} if kind == THREAT else {}
    time = _local if product == PAN_OS else _service_time
    texts = (
        "rule",
        "src_user",
        "dst_user",
        "url",
        "threat_id",
        "app",
        "url_category",
        "device_name",
        "src_zone",
        "dst_zone",
    )
    rules: dict[str, Rule] = {name: unescaped for name in texts if name in keys}
    return Profile(keys, rules | {name: time for name in ("start_ts", "logged_start", "log_time") if name in keys})


PROFILES = {(kind, product): _profile(kind, product) for kind in (TRAFFIC, THREAT) for product in (PAN_OS, SERVICE)}


def sniff(line: bytes) -> bool:
    """Whether the line holds a CEF record of Palo Alto Networks."""
    return not line.startswith(b"{") and _RECORD.search(line) is not None


def read(source: Source) -> Iterator[ParsedBatch]:
    """The sessions of the file; types other than TRAFFIC and THREAT are counted only."""
    return read_pairs(source, Cef())


class Cef:
    """How the lines are built and what they mean, as `PairFormat` asks."""

    wanted = cef_labels.WANTED | {
        key for profile in PROFILES.values() for keys in profile.keys.values() for key in keys
    }
    plain = frozenset(
        key for profile in PROFILES.values() for name in PLAIN & set(profile.keys) for key in profile.keys[name]
    )

    def style(self, line: bytes) -> Style:
        """The version of CEF is part of the header."""
        match = re.search(rb"CEF:[0-9]", line)
        return Style(match[0] if match else b"CEF:0", _HEADER, b" ")

    def raw(self, fields: Mapping[str, str]) -> tuple[str, Raw]:
        """The log type and the texts of one line."""
        if fields.get("vendor") != VENDOR:
            return f"CEF of {fields.get('vendor', '')}", {}
        product = fields.get("product", "")
        if product not in (PAN_OS, SERVICE):
            raise FieldError(f"the product {shown(product)} is neither PAN-OS nor LF: whether `in` is sent is unknown")
        kind = fields.get("name" if product == PAN_OS else "event", "").upper()
        if (kind, product) not in PROFILES:
            return (fields.get("event", "") if kind.isdigit() else kind) or "no log type", {}
        raw = PROFILES[kind, product].raw(by_label(fields))
        start = raw.pop("logged_start", None)
        if kind == TRAFFIC and not raw["start_ts"]:
            raw["start_ts"] = session_start(start, raw["log_time"], raw["duration_s"])
        raw = without_foreign_zone(raw)
        present = {name: value for name, value in raw.items() if value or name != "log_time"}
        return kind, present | _named(kind, product, fields, raw)

    def together(self, table: pa.RecordBatch, style: Style) -> Iterator[Together]:
        """The same for lines that share their keys."""
        table, same = columns_by_label(table)
        ours = pc.equal(as_text(table.column("vendor")), VENDOR)
        for (kind, product), profile in PROFILES.items():
            types = pc.utf8_upper(as_text(table.column("name" if product == PAN_OS else "event")))
            chosen = pc.and_(pc.and_(pc.equal(types, kind), pc.equal(as_text(table.column("product")), product)), ours)
            mask = np.asarray(chosen.fill_null(False))
            if mask.any():
                kind, mask, raw, certain = self._part(table, mask, kind, product, profile)
                yield kind, mask, raw, certain & same

    def _part(self, table: pa.RecordBatch, mask: np.ndarray, kind: str, product: str, profile: Profile) -> Together:
        raw, certain = profile.columns(table)
        start = raw.pop("logged_start", None)
        if kind == TRAFFIC and "start_ts" not in raw and start is not None:
            raw["start_ts"] = start
            if "log_time" in raw and "duration_s" in raw:
                raw["start_ts"], sure = session_starts(start, raw["log_time"], raw["duration_s"])
                certain = certain & sure
        elif "start_ts" in raw:
            certain = certain & np.asarray(raw["start_ts"].is_valid())
            if "log_time" in raw:
                certain = certain & with_own_zone(raw["start_ts"], raw["log_time"])
        return kind, mask, raw | self._named(table, kind, product, raw), certain

    def _named(self, table: pa.RecordBatch, kind: str, product: str, raw: dict[str, pa.Array]) -> dict[str, pa.Array]:
        """As the function `_named`, for columns."""
        if kind == TRAFFIC or product == SERVICE:
            found = {"subtype": table.column("event" if product == PAN_OS else "name")}
            if kind == THREAT and "threat_id" in raw:
                found["threat_id"] = raw["threat_id"]
            return found
        event = as_text(table.column("event"))
        other = as_text(raw["threat_id"]) if "threat_id" in raw else pa.nulls(len(event), pa.string())
        known = pc.is_in(event, pa.array(SUBTYPES))
        found = {"subtype": pc.if_else(known, event, other), "threat_id": pc.if_else(known, other, event)}
        if "severity" not in raw:
            found["severity"] = by_distinct(table.column("level"), SEVERITIES.get, pa.string())[0]
        return found


def _named(kind: str, product: str, fields: Mapping[str, str], raw: Raw) -> dict[str, str | None]:
    """What the header says: the subtype, and for a threat its severity.

    PAN-OS's template for URL logs has the subtype in the header and the threat in `cat`, that for other threats has
    them the other way round.
    """
    event, name = fields.get("event", ""), fields.get("name", "")
    if kind == TRAFFIC or product == SERVICE:
        return {"subtype": event if product == PAN_OS else name}
    known = event in SUBTYPES
    other = raw.get("threat_id")
    severity = raw.get("severity") or SEVERITIES.get(fields.get("level", ""))
    return {"subtype": event if known else other, "threat_id": other if known else event, "severity": severity}
