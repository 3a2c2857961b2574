"""JSON that Strata Logging Service (formerly Cortex Data Lake) forwards or exports: one object per line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial

import numpy as np
import pyarrow as pa

from common.logs.batches import DUPLICATE, ParsedBatch, RecordCollector
from common.logs.json_blocks import Layout, Part, read_json
from common.logs.json_fields import Fields, Rule, by_combination, rows_by_kind
from common.logs.json_lines import Document, names_in, pick, text_at
from common.logs.options import ReadOptions
from common.logs.records import THREAT, TRAFFIC, session_of, status_of, threat_id
from common.logs.source import Source
from common.logs.values import FieldError

NAME = "sls"
SPLITTABLE = True

FORWARDED: dict[str, tuple[str, ...]] = {
    "type": ("LogType",),
    "replica": ("IsDuplicateLog",),
    "subtype": ("Subtype",),
    "src_ip": ("SourceAddress",),
    "src_port": ("SourcePort",),
    "dst_ip": ("DestinationAddress",),
    "dst_port": ("DestinationPort",),
    "protocol": ("Protocol",),
    "bytes_sent": ("BytesSent",),
    "bytes_received": ("BytesReceived",),
    "packets_sent": ("PacketsSent",),
    "packets_received": ("PacketsReceived",),
    "start_ts": ("SessionStartTime",),
    "duration_s": ("SessionDuration",),
    "action": ("Action",),
    "reason": ("SessionEndReason",),
    "app": ("Application",),
    "app_category": ("ApplicationCategory",),
    "app_risk": ("ApplicationRisk",),
    "rule": ("Rule", "RuleMatched"),
    "src_zone": ("FromZone",),
    "dst_zone": ("ToZone",),
    "src_user": ("SourceUser",),
    "dst_user": ("DestinationUser",),
    "src_country": ("SourceLocation",),
    "dst_country": ("DestinationLocation",),
    "nat_src_ip": ("NATSource",),
    "nat_src_port": ("NATSourcePort",),
    "nat_dst_ip": ("NATDestination",),
    "nat_dst_port": ("NATDestinationPort",),
    "session_id": ("SessionID",),
    "device_serial": ("DeviceSN",),
    "device_name": ("DeviceName",),
    "virtual_system": ("VirtualLocation",),
    "sequence_number": ("SequenceNo",),
    "repeat_count": ("RepeatCount",),
    "severity": ("VendorSeverity", "Severity"),
    "threat_name": ("ThreatName",),
    "threat_number": ("ThreatID",),
    "threat_category": ("ThreatCategory",),
    "url": ("URL", "FileName"),
    "url_category": ("URLCategory",),
    "log_time": ("TimeGenerated",),
    "received_time": ("TimeReceived",),
    "precise_time": ("TimeGeneratedHighResolution",),
}
"""Names of each value in forwarded records, in order of preference."""

STORED: dict[str, tuple[str, ...]] = {
    "type": ("log_type.value", "log_type"),
    "replica": ("is_dup_log",),
    "subtype": ("sub_type.value", "sub_type"),
    "src_ip": ("source_ip.value", "source_ip"),
    "src_port": ("source_port",),
    "dst_ip": ("dest_ip.value", "dest_ip"),
    "dst_port": ("dest_port",),
    "protocol": ("protocol.value", "protocol"),
    "bytes_sent": ("bytes_sent",),
    "bytes_received": ("bytes_received",),
    "packets_sent": ("packets_sent",),
    "packets_received": ("packets_received",),
    "start_ts": ("session_start_time",),
    "duration_s": ("session_duration", "total_time_elapsed"),
    "action": ("action.value", "action"),
    "reason": ("session_end_reason.value", "session_end_reason"),
    "app": ("app",),
    "app_category": ("app_category",),
    "app_risk": ("risk_of_app",),
    "rule": ("rule_matched",),
    "src_zone": ("from_zone",),
    "dst_zone": ("to_zone",),
    "src_user": ("source_user",),
    "dst_user": ("dest_user",),
    "src_country": ("source_location",),
    "dst_country": ("dest_location",),
    "nat_src_ip": ("nat_source.value", "nat_source"),
    "nat_src_port": ("nat_source_port",),
    "nat_dst_ip": ("nat_dest.value", "nat_dest"),
    "nat_dst_port": ("nat_dest_port",),
    "session_id": ("session_id",),
    "device_serial": ("log_source_id",),
    "device_name": ("log_source_name",),
    "virtual_system": ("vsys",),
    "sequence_number": ("sequence_no",),
    "repeat_count": ("count_of_repeats",),
    "severity": ("vendor_severity.value", "vendor_severity"),
    "threat_name": ("threat_name",),
    "threat_number": ("threat_id",),
    "threat_category": ("threat_category.value", "threat_category"),
    "url": ("url", "uri", "file_name"),
    "url_category": ("url_category.value", "url_category"),
    "log_time": ("time_generated", "log_time"),
    "precise_time": ("time_generated_high_res",),
}
"""The same in records as the service stores them, with enumerations as objects."""


def _reason(reason: str | None) -> str | None:
    return "n/a" if reason == "n-a" else reason


_RULES: dict[str, tuple[Rule, Sequence[str]]] = {
    "session_end_reason": (_reason, ("reason",)),
    "threat_id": (threat_id, ("threat_name", "threat_number")),
}
_STYLES = {
    "LogType": Fields(FORWARDED, _RULES),
    "log_type": Fields(STORED, _RULES),
    "logtype": Fields({name: tuple(map(str.lower, names)) for name, names in FORWARDED.items()}, _RULES),
}
"""The values of records, by the name of the log type, which shows how they are named."""

_TYPICAL = frozenset({"LogType", "SourceAddress", "DestinationAddress", "TimeGenerated"})
_ALSO_TYPICAL = (
    frozenset({"log_type", "source_ip", "dest_ip", "time_generated", "session_start_time", "log_time"}),
    frozenset(map(str.lower, _TYPICAL)),
)
TYPICAL = ("LogType", "Subtype", "TimeGenerated", "SourceAddress", "DestinationAddress", "SessionStartTime")


def sniff(line: bytes) -> bool:
    """Whether the line is a JSON object with at least two of the service's names."""
    names = names_in(line)
    return any(len(some & names) > 1 for some in (_TYPICAL, *_ALSO_TYPICAL))


def read(source: Source) -> Iterator[ParsedBatch]:
    """The sessions of the file's objects."""
    return read_json(source, layout_of, partial(_parse, source.options))


def _parse(options: ReadOptions, document: Document, number: int, into: RecordCollector) -> None:
    fields = _fields(document)
    kind = (text_at(document, *fields.paths["type"]) or "").strip().upper()
    if not kind:
        raise FieldError("LogType is empty")
    if kind not in (TRAFFIC, THREAT):
        into.skip(kind)
        return
    raw = fields.texts(document)
    session = session_of(kind, raw, options)
    into.keep(number, session, DUPLICATE if _is_replica(raw["replica"]) else status_of(kind, session["subtype"]))


def _is_replica(value: str | None) -> bool:
    return (value or "").lower() in ("true", "1")


def _style(document: Document) -> str:
    return next((name for name in _STYLES if pick(document, name) is not None), "LogType")


def _fields(document: Document) -> Fields:
    return _STYLES[_style(document)]


def layout_of(document: Document) -> Layout:
    """The layout of records named like this one."""
    return _layout(_style(document))


@lru_cache(maxsize=len(_STYLES))
def _layout(style: str) -> Layout:
    fields = _STYLES[style]
    before = [name for name in _STYLES if name != style]
    others = {f"other {name}": (name,) for name in before[: list(_STYLES).index(style)]}
    return Layout({**fields.paths, **others}, partial(_parts, fields, tuple(others)))


def _parts(fields: Fields, others: tuple[str, ...], found: pa.RecordBatch) -> Iterator[Part]:
    """The log types of the records; those that are named in another way, and replicas, are left out."""
    kinds, _ = by_combination(_kind, [found.column("type"), found.column("replica")])
    own = np.ones(found.num_rows, dtype=bool)
    for name in others:
        own &= np.asarray(found.column(name).is_null())
    for kind, of_kind in rows_by_kind(kinds):
        rows = of_kind & own
        if kind in (TRAFFIC, THREAT):
            raw, doubtful = fields.columns(found, rows)
            yield Part(kind, rows, raw, doubtful)
        else:
            yield Part(kind, rows)


def _kind(named: str | None, replica: str | None) -> str | None:
    return None if _is_replica(replica) else (named or "").strip().upper() or None
