"""EVE JSON of Suricata: flows are sessions, alerts are threats, other events are counted by their type."""

from __future__ import annotations

from collections.abc import Iterator

from common.logs import values
from common.logs.batches import KEPT, ParsedBatch, RecordCollector
from common.logs.json_lines import Document, names_in, read_documents, text_at
from common.logs.records import THREAT, TRAFFIC, session_of, threat_id
from common.logs.source import Source
from common.logs.values import FieldError

NAME = "suricata"
SPLITTABLE = True
TYPICAL = ("timestamp", "event_type", "flow_id", "src_ip", "dest_ip", "proto")

ENDPOINTS: dict[str, tuple[str, ...]] = {
    "src_ip": ("src_ip",),
    "src_port": ("src_port",),
    "dst_ip": ("dest_ip",),
    "dst_port": ("dest_port",),
    "protocol": ("proto",),
    "session_id": ("flow_id",),
    "device_name": ("host",),
    "app": ("app_proto",),
}
FLOW: dict[str, tuple[str, ...]] = {
    "bytes_sent": ("flow.bytes_toserver",),
    "bytes_received": ("flow.bytes_toclient",),
    "packets_sent": ("flow.pkts_toserver",),
    "packets_received": ("flow.pkts_toclient",),
    "start_ts": ("flow.start",),
    "end_ts": ("flow.end",),
}
SEVERITIES = {"1": "high", "2": "medium", "3": "low", "4": "informational"}
_RST = 0x04


def sniff(line: bytes) -> bool:
    """Whether the line is an event of Suricata."""
    return {"timestamp", "event_type"} <= names_in(line) and bool({"flow_id", "stats", "engine"} & names_in(line))


def read(source: Source) -> Iterator[ParsedBatch]:
    """The flows of the file as sessions, and its alerts as threats."""

    def parse(document: Document, number: int, into: RecordCollector) -> None:
        kind = text_at(document, "event_type")
        if kind not in ("flow", "alert"):
            if not kind:
                raise FieldError("event_type is empty")
            into.skip(kind)
            return
        raw = {name: text_at(document, *paths) for name, paths in ENDPOINTS.items()}
        raw["app"] = None if raw["app"] == "failed" else raw["app"]
        if kind == "flow":
            into.keep(number, session_of(TRAFFIC, raw | _flow(document, raw), source.options), KEPT)
        else:
            into.keep(number, session_of(THREAT, raw | _alert(document), source.options), KEPT)

    return read_documents(source, parse)


def _flow(document: Document, raw: dict[str, str | None]) -> dict[str, str | None]:
    flow = {name: text_at(document, *paths) for name, paths in FLOW.items()}
    is_tcp = values.protocol(raw["protocol"]) == "tcp"
    action = text_at(document, "flow.action")
    flow |= {"subtype": "end", "action": "drop" if action == "drop" else "allow"}
    flow["session_end_reason"] = _end_reason(document) if is_tcp else "aged-out"
    if is_tcp and flow["packets_received"] == "0":
        flow["app"] = "incomplete"
    return flow


def _end_reason(document: Document) -> str:
    for path, reason in (("tcp.tcp_flags_tc", "tcp-rst-from-server"), ("tcp.tcp_flags_ts", "tcp-rst-from-client")):
        flags = text_at(document, path) or "0"
        try:
            if int(flags, 16) & _RST:
                return reason
        except ValueError:
            raise FieldError(f"{path} {values.shown(flags)} is not a hexadecimal number") from None
    return "tcp-fin" if text_at(document, "flow.state") == "closed" else "aged-out"


def _alert(document: Document) -> dict[str, str | None]:
    host, path = text_at(document, "http.hostname"), text_at(document, "http.url")
    return {
        "subtype": "vulnerability",
        "end_ts": text_at(document, "timestamp"),
        "action": {"allowed": "alert", "blocked": "drop"}.get(text_at(document, "alert.action") or "", "alert"),
        "threat_id": threat_id(text_at(document, "alert.signature"), text_at(document, "alert.signature_id")),
        "threat_category": text_at(document, "alert.category"),
        "severity": SEVERITIES.get(text_at(document, "alert.severity") or ""),
        "url": f"{host}{path or ''}" if host else None,
    }
