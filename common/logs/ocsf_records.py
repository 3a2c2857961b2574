"""Events of the OCSF class network activity (4001), as JSON or in Parquet."""

from __future__ import annotations

from common.logs.batches import RecordCollector
from common.logs.epochs import iso
from common.logs.json_lines import Document, text_at
from common.logs.one_way import oriented
from common.logs.options import ReadOptions
from common.logs.records import TRAFFIC, session_of, status_of
from common.logs.values import FieldError

NETWORK_ACTIVITY = "4001"

PATHS: dict[str, tuple[str, ...]] = {
    "src_ip": ("src_endpoint.ip",),
    "src_port": ("src_endpoint.port",),
    "dst_ip": ("dst_endpoint.ip",),
    "dst_port": ("dst_endpoint.port",),
    "protocol": ("connection_info.protocol_name", "connection_info.protocol_num"),
    "bytes_sent": ("traffic.bytes_out",),
    "bytes_received": ("traffic.bytes_in",),
    "packets_sent": ("traffic.packets_out",),
    "packets_received": ("traffic.packets_in",),
    "session_id": ("connection_info.session.uid", "connection_info.uid"),
    "app": ("app_name",),
    "rule": ("firewall_rule.name", "policy.name"),
    "src_zone": ("src_endpoint.zone",),
    "dst_zone": ("dst_endpoint.zone",),
    "src_user": ("actor.user.name", "src_endpoint.owner.name"),
    "src_country": ("src_endpoint.location.country",),
    "dst_country": ("dst_endpoint.location.country",),
    "device_name": ("device.hostname", "device.name"),
    "device_serial": ("device.hw_info.serial_number", "device.uid"),
    "repeat_count": ("count",),
}
SUBTYPES = {"1": "start", "2": "end", "3": "end", "4": "deny", "5": "deny", "6": "end"}
"""Subtype by activity_id: open, close, reset, fail, refuse, traffic."""
REASONS = {"3": "tcp-rst-from-server"}
ACTIONS = {"1": "allow", "2": "deny"}
"""Action by action_id."""
DISPOSITIONS = {"1": "allow", "2": "deny", "6": "drop"}
"""Action by disposition_id: allowed, blocked, dropped."""


def parse_ocsf(document: Document, number: int, options: ReadOptions, into: RecordCollector) -> None:
    """Adds the session of an event; events of other classes are counted."""
    class_uid = text_at(document, "class_uid")
    if class_uid != NETWORK_ACTIVITY:
        if class_uid is None:
            raise FieldError("class_uid is empty")
        into.skip(f"class {class_uid}")
        return
    raw = {name: text_at(document, *paths) for name, paths in PATHS.items()}
    raw["subtype"] = SUBTYPES.get(text_at(document, "activity_id") or "", "end")
    raw["action"] = _action(document)
    raw |= _times(document)
    session = session_of(TRAFFIC, _with_one_way(document, raw), options)
    into.keep(number, session, status_of(TRAFFIC, session["subtype"]))


def _action(document: Document) -> str | None:
    for ids, path in ((DISPOSITIONS, "disposition_id"), (ACTIONS, "action_id")):
        if action := ids.get(text_at(document, path) or ""):
            return action
    named = text_at(document, "disposition", "action")
    return {"allowed": "allow", "blocked": "deny", "denied": "deny"}.get((named or "").lower(), named)


def _times(document: Document) -> dict[str, str | None]:
    """Start, end and duration; the end is the time of the event where there is none."""
    found = {name: iso("time", text_at(document, f"{name}_dt", name)) for name in ("start_time", "end_time", "time")}
    duration = text_at(document, "duration")
    if duration is not None and not duration.isdecimal():
        raise FieldError(f"duration {duration} is not a number of milliseconds")
    return {
        "start_ts": found["start_time"],
        "end_ts": found["end_time"] or found["time"],
        "duration_s": None if duration is None or found["start_time"] else f"{int(duration) / 1_000:.3f}",
    }


def _with_one_way(document: Document, raw: dict[str, str | None]) -> dict[str, str | None]:
    """Security Lake converts a VPC flow log to events that have `bytes` of one direction only."""
    product = text_at(document, "metadata.product.name") or ""
    if raw["bytes_sent"] or raw["bytes_received"] or "vpc" not in product.lower():
        return raw
    flags = text_at(document, "connection_info.tcp_flags") or "0"
    size, packets = text_at(document, "traffic.bytes"), text_at(document, "traffic.packets")
    return oriented(raw, size, packets, int(flags) if flags.isdecimal() else 0)
