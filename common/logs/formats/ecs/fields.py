"""Where ECS documents hold the values of a session."""

from __future__ import annotations

from common.logs.json_fields import Fields
from common.logs.records import THREAT, TRAFFIC, threat_id
from common.logs.zeek_states import CONSTANTS, application, end_reason

ZEEK = "zeek.connection"
"""The dataset of Zeek's connections."""

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

KINDS = {action: kind for kind, subtypes in SUBTYPES.items() for action in subtypes}
SEVERITIES = {"1": "critical", "2": "high", "3": "medium", "4": "low", "5": "informational"}
"""Severity by `event.severity`, whose scale is inverted."""


def kind_of(named: str | None, action: str | None, dataset: str | None) -> str | None:
    """TRAFFIC, THREAT, `ZEEK`, or what else a document is; None if it does not say."""
    if named and named.strip():
        return named.strip().upper()
    action = (action or "").strip().lower()
    if action in KINDS:
        return KINDS[action]
    return dataset if dataset and not dataset.startswith("panw") else None


def subtype(named: str | None, action: str | None) -> str | None:
    """The subtype, which `event.action` stands for."""
    action = (action or "").strip().lower()
    return named or SUBTYPES[KINDS[action]][action] if action in KINDS else named or action or None


def outcome(action: str | None, types: str | None) -> str | None:
    """The action, else what the list `event.type` says of it."""
    if action or not types:
        return action
    named = {text.strip(' "') for text in types.strip("[]").split(",")}
    return "deny" if "denied" in named else "allow" if "allowed" in named else None


def user(whole: str | None, name: str | None, domain: str | None) -> str | None:
    """The user, with the domain where there is one; `whole` may be an object that holds the name."""
    if whole and whole[0] not in "{[":
        return whole
    return f"{domain}\\{name}" if name and domain and "\\" not in name and "@" not in name else name


def severity(level: str | None, number: str | None) -> str | None:
    """The severity of a threat."""
    return level or SEVERITIES.get(number or "")


_SHARED = {
    "src_ip": ("source.ip", "source.address"),
    "src_port": ("source.port",),
    "dst_ip": ("destination.ip", "destination.address"),
    "dst_port": ("destination.port",),
    "protocol": ("network.transport", "network.iana_number"),
    "bytes_sent": ("source.bytes",),
    "bytes_received": ("destination.bytes",),
    "packets_sent": ("source.packets",),
    "packets_received": ("destination.packets",),
    "duration_s": ("event.duration",),
    "type": ("panw.panos.type",),
    "event_action": ("event.action",),
    "dataset": ("event.dataset", "data_stream.dataset"),
}

PANOS = Fields(
    paths=_SHARED
    | {
        "start_ts": ("event.start",),
        "end_ts": ("event.end",),
        "log_time": ("@timestamp", "panw.panos.generated_time"),
        "precise_time": ("panw.panos.high_resolution_timestamp",),
        "session_end_reason": ("panw.panos.endreason",),
        "app": ("network.application",),
        "rule": ("rule.name", "panw.panos.ruleset"),
        "src_zone": ("observer.ingress.zone", "panw.panos.source.zone"),
        "dst_zone": ("observer.egress.zone", "panw.panos.destination.zone"),
        "session_id": ("panw.panos.flow_id",),
        "device_serial": ("observer.serial_number",),
        "device_name": ("observer.hostname",),
        "virtual_system": ("panw.panos.virtual_sys",),
        "sequence_number": ("panw.panos.sequence_number",),
        "repeat_count": ("panw.panos.repeat_count",),
        "nat_src_ip": ("source.nat.ip",),
        "nat_src_port": ("source.nat.port",),
        "nat_dst_ip": ("destination.nat.ip",),
        "nat_dst_port": ("destination.nat.port",),
        "src_country": ("panw.panos.source.location", "source.geo.name"),
        "dst_country": ("panw.panos.destination.location", "destination.geo.name"),
        "url_category": ("panw.panos.url.category",),
        "app_category": ("panw.panos.application.category",),
        "app_risk": ("panw.panos.application.risk_level",),
        "threat_category": ("panw.panos.threat_category",),
        "url": ("url.original", "file.path", "file.name"),
        "sub_type": ("panw.panos.sub_type",),
        "panos_action": ("panw.panos.action",),
        "event_type": ("event.type",),
        "user": ("source.user",),
        "user_name": ("source.user.name",),
        "user_domain": ("source.user.domain",),
        "peer": ("destination.user",),
        "peer_name": ("destination.user.name",),
        "peer_domain": ("destination.user.domain",),
        "threat_name": ("panw.panos.threat.name",),
        "threat_number": ("panw.panos.threat.id",),
        "level": ("log.level",),
        "severity_number": ("event.severity",),
    },
    rules={
        "subtype": (subtype, ("sub_type", "event_action")),
        "action": (outcome, ("panos_action", "event_type")),
        "src_user": (user, ("user", "user_name", "user_domain")),
        "dst_user": (user, ("peer", "peer_name", "peer_domain")),
        "threat_id": (threat_id, ("threat_name", "threat_number")),
        "severity": (severity, ("level", "severity_number")),
    },
    composite=frozenset({"event_type", "user", "peer"}),
    per_second=10**9,
)
"""Documents of the integration for Palo Alto firewalls."""

CONNECTION = Fields(
    paths=_SHARED
    | {
        "start_ts": ("@timestamp",),
        "session_id": ("zeek.session_id", "event.id"),
        "service": ("network.protocol",),
        "state": ("zeek.connection.state",),
    },
    rules={
        "app": (application, ("protocol", "state", "service")),
        "session_end_reason": (end_reason, ("protocol", "state")),
    },
    constants=CONSTANTS,
    per_second=10**9,
)
"""Documents of the integration for Zeek, of its connections."""
