"""Strata Logging Service (formerly Cortex Data Lake): the JSON of its HTTPS forwarding, one object a line."""

from __future__ import annotations

from common.logs.batches import DUPLICATE, ParsedBatch, RecordCollector
from common.logs.blocks import Block
from common.logs.ecs import threat_id
from common.logs.json_lines import Document, parse_documents, text_at
from common.logs.records import THREAT, TRAFFIC, session_of, status_of
from common.logs.values import FieldError

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
    "precise_time": ("TimeGeneratedHighResolution",),
}
"""Where the canonical columns are found, in order of preference."""

_NOT_APPLICABLE = {"n-a": "n/a"}


def parse_block(block: Block, source_file: str, zone: str) -> ParsedBatch:
    """The sessions of the block's objects. Times without a zone are in `zone`."""

    def parse(document: Document, line: int, into: RecordCollector) -> None:
        kind = (text_at(document, "LogType") or "").strip().upper()
        if not kind:
            raise FieldError("LogType is empty")
        if kind not in (TRAFFIC, THREAT):
            into.skip()
            return
        session = session_of(kind, _raw(document, kind), zone)
        replica = (text_at(document, "IsDuplicateLog") or "").lower() in ("true", "1")
        status = status_of(kind, session["subtype"])
        into.keep(line, session, DUPLICATE if replica else status)

    return parse_documents(block, source_file, parse)


def _raw(document: Document, kind: str) -> dict[str, str | None]:
    raw = {name: text_at(document, *paths) for name, paths in PATHS.items()}
    reason = raw["session_end_reason"]
    raw["session_end_reason"] = _NOT_APPLICABLE.get(reason or "", reason)
    if kind == THREAT:
        raw["threat_id"] = threat_id(text_at(document, "ThreatName"), text_at(document, "ThreatID"))
    return raw
