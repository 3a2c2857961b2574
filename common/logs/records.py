"""Turns one record, given as text by canonical column name, into a canonical session.

All readers that parse line by line use this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from common.contracts.session import OPEN_SUBTYPES
from common.logs import values
from common.logs.batches import KEPT, UNCOUNTED
from common.logs.clock import threat_times, traffic_times
from common.logs.options import ReadOptions

TRAFFIC, THREAT = "TRAFFIC", "THREAT"

TEXT_RULES: dict[str, Callable[[str | None], str | None]] = {
    "device_serial": values.text,
    "subtype": values.lower,
    "rule": values.text,
    "src_user": values.user,
    "app": values.text,
    "src_zone": values.text,
    "dst_zone": values.text,
    "session_id": values.text,
    "action": values.hyphenated,
    "session_end_reason": values.lower,
    "threat_id": values.text,
    "severity": values.lower,
    "threat_category": values.text,
    "url": values.text,
    "url_category": values.text,
    "app_category": values.text,
    "dst_user": values.text,
    "src_country": values.text,
    "dst_country": values.text,
    "nat_src_ip": values.translated_ip,
    "nat_dst_ip": values.translated_ip,
    "device_name": values.text,
    "virtual_system": values.text,
}
"""The rule that normalises each text column."""

SMALL_NUMBERS = {"app_risk": 5, "nat_src_port": values.PORTS[-1], "nat_dst_port": values.PORTS[-1]}
"""The greatest value of each optional column of small numbers from 1; any other value says nothing, like PAN-OS's 0."""

COUNTERS = ("bytes_sent", "bytes_received", "packets_sent", "packets_received", "sequence_number")
"""Whole numbers that may be empty."""

TRAFFIC_ONLY = frozenset({"bytes_sent", "bytes_received", "packets_sent", "packets_received", "session_end_reason"})
THREAT_ONLY = frozenset({"threat_id", "severity", "threat_category", "url"})

Raw = Mapping[str, str | None]


def foreign_columns(kind: str) -> frozenset[str]:
    """Columns that are always null in logs of this type, whatever the record holds."""
    return THREAT_ONLY if kind == TRAFFIC else TRAFFIC_ONLY


def session_of(kind: str, raw: Raw, options: ReadOptions) -> dict[str, Any]:
    """The session of a record, as values by column name, and its `zone_source`; absent fields count as empty.

    Args:
        kind: TRAFFIC or THREAT.
        raw: text by canonical column name; also `log_time`, when the record was written, `precise_time`, the same with
            fractions of a second, and `header`, the syslog header.
        options: how the file is to be read; the zones of times that do not name one.

    Raises:
        FieldError: a field is missing or wrong.
    """
    session: dict[str, Any] = {"event_type": kind}
    session["src_ip"] = values.ip("src_ip", raw.get("src_ip"))
    session["dst_ip"] = values.ip("dst_ip", raw.get("dst_ip"))
    session["protocol"] = values.protocol(raw.get("protocol"))
    for name in ("src_port", "dst_port"):
        session[name] = values.port(name, raw.get(name), session["protocol"])
    foreign = foreign_columns(kind)
    session |= {name: values.counter(raw.get(name)) for name in COUNTERS if name not in foreign}
    session |= {name: rule(raw.get(name)) for name, rule in TEXT_RULES.items() if name not in foreign}
    session |= {name: values.small_number(raw.get(name), most) for name, most in SMALL_NUMBERS.items()}
    session["repeat_count"] = values.repeat_count(raw.get("repeat_count"))
    return session | (traffic_times(raw, options) if kind == TRAFFIC else threat_times(raw, options))


def status_of(kind: str, subtype: str | None) -> str:
    """`UNCOUNTED` for a start log or an update, since the end log repeats it; `KEPT` for all others."""
    return UNCOUNTED if kind == TRAFFIC and subtype in OPEN_SUBTYPES else KEPT


def threat_id(name: str | None, number: str | None) -> str | None:
    """The threat as PAN-OS writes it: `name(number)`."""
    if number and not (name or "").endswith(f"({number})"):
        return f"{name or ''}({number})"
    return name
