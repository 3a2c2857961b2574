"""ECS documents of Elastic's integration for Palo Alto firewalls: NDJSON with nested or dotted names."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from common.logs import values
from common.logs.batches import ParsedBatch, RecordCollector
from common.logs.json_lines import Document, names_in, pick, read_documents, text_at
from common.logs.options import ReadOptions
from common.logs.records import THREAT, TRAFFIC, session_of, status_of, threat_id
from common.logs.source import Source
from common.logs.values import FieldError

NAME = "ecs"
SPLITTABLE = True

PATHS: dict[str, tuple[str, ...]] = {
    "src_ip": ("source.ip", "source.address"),
    "src_port": ("source.port",),
    "dst_ip": ("destination.ip", "destination.address"),
    "dst_port": ("destination.port",),
    "protocol": ("network.transport", "network.iana_number"),
    "bytes_sent": ("source.bytes",),
    "bytes_received": ("destination.bytes",),
    "packets_sent": ("source.packets",),
    "packets_received": ("destination.packets",),
    "start_ts": ("event.start",),
    "end_ts": ("event.end",),
    "session_end_reason": ("panw.panos.endreason",),
    "app": ("network.application",),
    "rule": ("rule.name", "panw.panos.ruleset"),
    "src_zone": ("observer.ingress.zone", "panw.panos.source.zone"),
    "dst_zone": ("observer.egress.zone", "panw.panos.destination.zone"),
    "session_id": ("panw.panos.flow_id",),
    "device_serial": ("observer.serial_number",),
    "sequence_number": ("panw.panos.sequence_number",),
    "repeat_count": ("panw.panos.repeat_count",),
    "log_time": ("@timestamp", "panw.panos.generated_time"),
    "precise_time": ("panw.panos.high_resolution_timestamp",),
}
"""Paths of each canonical column, in order of preference."""

SUBTYPES = {
    TRAFFIC: {"flow_started": "start", "flow_terminated": "end", "flow_dropped": "drop", "flow_denied": "deny"},
    THREAT: {
        "url_filtering": "url",
        "virus_detected": "virus",
        "exploit_detected": "vulnerability",
        "spyware_detected": "spyware",
        "wildfire_verdict": "wildfire",
        "scan_detected": "scan",
        "flood_detected": "flood",
        "data_match": "data",
        "file_match": "file",
        "packet_attack": "packet",
    },
}
"""Subtype by `event.action`, which the integration derives from the subtype."""

SEVERITIES = {"1": "critical", "2": "high", "3": "medium", "4": "low", "5": "informational"}
"""Severity by `event.severity`, whose scale is inverted."""

_TYPICAL = frozenset({"@timestamp", "ecs", "event", "source", "panw", "source.ip", "event.action", "ecs.version"})
_NANOSECOND = Decimal("1e-9")
TYPICAL = ("@timestamp", "event.action", "event.start", "source.ip", "destination.ip", "network.transport")


def sniff(line: bytes) -> bool:
    """Whether the line is a JSON object with at least two of ECS's names."""
    return len(_TYPICAL & names_in(line)) > 1


def read(source: Source) -> Iterator[ParsedBatch]:
    """The sessions of the file's documents."""

    def parse(document: Document, number: int, into: RecordCollector) -> None:
        _parse_document(document, number, source.options, into)

    return read_documents(source, parse)


def _parse_document(document: Document, line: int, options: ReadOptions, into: RecordCollector) -> None:
    source = document.get("_source")
    if isinstance(source, dict):
        document = source  # a search hit
    action = values.lower(text_at(document, "event.action"))
    kind = _kind(document, action)
    if kind not in SUBTYPES:
        into.skip(kind)
        return
    raw = {name: text_at(document, *paths) for name, paths in PATHS.items()}
    subtype = text_at(document, "panw.panos.sub_type")
    raw["subtype"] = subtype or SUBTYPES[kind].get(action or "", action)
    raw["action"] = text_at(document, "panw.panos.action") or _action(document)
    raw["src_user"] = _user(document)
    raw["duration_s"] = _duration(document)
    if kind == THREAT:
        raw["threat_id"] = threat_id(*(text_at(document, f"panw.panos.threat.{name}") for name in ("name", "id")))
        raw["severity"] = text_at(document, "log.level") or SEVERITIES.get(text_at(document, "event.severity") or "")
    session = session_of(kind, raw, options)
    into.keep(line, session, status_of(kind, session["subtype"]))


def _kind(document: Document, action: str | None) -> str:
    named = text_at(document, "panw.panos.type")
    if named:
        return named.strip().upper()
    for kind, subtypes in SUBTYPES.items():
        if action in subtypes:
            return kind
    raise FieldError(f"event.action {values.shown(action or '')} names no TRAFFIC or THREAT event")


def _action(document: Document) -> str | None:
    types = pick(document, "event.type")
    named = types if isinstance(types, list) else [types]
    return "deny" if "denied" in named else "allow" if "allowed" in named else None


def _user(document: Document) -> str | None:
    name = pick(document, "source.user")
    if isinstance(name, str):
        return name
    name, domain = text_at(document, "source.user.name"), text_at(document, "source.user.domain")
    return f"{domain}\\{name}" if name and domain and "\\" not in name and "@" not in name else name


def _duration(document: Document) -> str | None:
    duration = values.integer("event.duration", text_at(document, "event.duration"))
    return None if duration is None else format(duration * _NANOSECOND, "f")
