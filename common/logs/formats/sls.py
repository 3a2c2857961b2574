"""JSON that Strata Logging Service (formerly Cortex Data Lake) forwards over HTTPS: one object per line."""

from __future__ import annotations

from collections.abc import Iterator

from common.logs.batches import DUPLICATE, ParsedBatch, RecordCollector
from common.logs.json_lines import Document, names_in, read_documents, text_at
from common.logs.records import THREAT, TRAFFIC, session_of, status_of, threat_id
from common.logs.source import Source
from common.logs.values import FieldError

NAME = "sls"
SPLITTABLE = True

PATHS: dict[str, tuple[str, ...]] = {
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
    "session_end_reason": ("SessionEndReason",),
    "app": ("Application",),
    "rule": ("Rule", "RuleMatched"),
    "src_zone": ("FromZone",),
    "dst_zone": ("ToZone",),
    "src_user": ("SourceUser",),
    "session_id": ("SessionID",),
    "device_serial": ("DeviceSN",),
    "sequence_number": ("SequenceNo",),
    "repeat_count": ("RepeatCount",),
    "severity": ("VendorSeverity", "Severity"),
    "log_time": ("TimeGenerated",),
    "received_time": ("TimeReceived",),
    "precise_time": ("TimeGeneratedHighResolution",),
}
"""Names of each canonical column, in order of preference."""

_TYPICAL = frozenset({"LogType", "SourceAddress", "DestinationAddress", "TimeGenerated"})
_NOT_APPLICABLE = {"n-a": "n/a"}
TYPICAL = ("LogType", "Subtype", "TimeGenerated", "SourceAddress", "DestinationAddress", "SessionStartTime")


def sniff(line: bytes) -> bool:
    """Whether the line is a JSON object with at least two of the service's names."""
    return len(_TYPICAL & names_in(line)) > 1


def read(source: Source) -> Iterator[ParsedBatch]:
    """The sessions of the file's objects."""

    def parse(document: Document, number: int, into: RecordCollector) -> None:
        kind = (text_at(document, "LogType") or "").strip().upper()
        if not kind:
            raise FieldError("LogType is empty")
        if kind not in (TRAFFIC, THREAT):
            into.skip(kind)
            return
        session = session_of(kind, _raw(document, kind), source.options)
        replica = (text_at(document, "IsDuplicateLog") or "").lower() in ("true", "1")
        status = status_of(kind, session["subtype"])
        into.keep(number, session, DUPLICATE if replica else status)

    return read_documents(source, parse)


def _raw(document: Document, kind: str) -> dict[str, str | None]:
    raw = {name: text_at(document, *paths) for name, paths in PATHS.items()}
    reason = raw["session_end_reason"]
    raw["session_end_reason"] = _NOT_APPLICABLE.get(reason or "", reason)
    if kind == THREAT:
        raw["threat_id"] = threat_id(text_at(document, "ThreatName"), text_at(document, "ThreatID"))
    return raw
