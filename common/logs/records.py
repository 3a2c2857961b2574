"""Turns one record, given as text by canonical column name, into a canonical session.

All readers that parse line by line use this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from common.logs import values
from common.logs.batches import KEPT, UNCOUNTED
from common.logs.options import ReadOptions
from common.logs.values import FieldError

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

SMALL_NUMBERS: dict[str, Callable[[str | None], int | None]] = {
    "app_risk": values.app_risk,
    "nat_src_port": values.translated_port,
    "nat_dst_port": values.translated_port,
}
"""The rule of each optional column of small whole numbers."""

COUNTERS = ("bytes_sent", "bytes_received", "packets_sent", "packets_received", "sequence_number")
"""Whole numbers that may be empty."""

TRAFFIC_ONLY = frozenset({"bytes_sent", "bytes_received", "packets_sent", "packets_received", "session_end_reason"})
THREAT_ONLY = frozenset({"threat_id", "severity", "threat_category", "url"})

Raw = Mapping[str, str | None]


def foreign_columns(kind: str) -> frozenset[str]:
    """Columns that are always null in logs of this type, whatever the record holds."""
    return THREAT_ONLY if kind == TRAFFIC else TRAFFIC_ONLY


def session_of(kind: str, raw: Raw, options: ReadOptions) -> dict[str, Any]:
    """The session of a record, as values by column name; absent fields count as empty.

    Args:
        kind: TRAFFIC or THREAT.
        raw: text by canonical column name; also `log_time`, when the record was written, and `precise_time`, the same
            with fractions of a second.
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
    session |= {name: values.integer(name, raw.get(name)) for name in COUNTERS if name not in foreign}
    session |= {name: rule(raw.get(name)) for name, rule in TEXT_RULES.items() if name not in foreign}
    session |= {name: rule(raw.get(name)) for name, rule in SMALL_NUMBERS.items()}
    session["repeat_count"] = values.repeat_count(raw.get("repeat_count"))
    zone = options.time_zone
    return session | (_traffic_times(raw, zone) if kind == TRAFFIC else _threat_times(raw, zone))


def _traffic_times(raw: Raw, zone: str) -> dict[str, Any]:
    start_ts, end_ts = _optional_instant("start_ts", raw, zone), _optional_instant("end_ts", raw, zone)
    if start_ts is None and end_ts is None:
        raise FieldError("start_ts is empty")
    if start_ts is None or end_ts is None or values.text(raw.get("duration_s")):
        duration = values.seconds("duration_s", raw.get("duration_s"))
    elif end_ts < start_ts:
        raise FieldError(f"end_ts {values.wall_clock(end_ts)} is before start_ts {values.wall_clock(start_ts)}")
    else:
        duration = (end_ts - start_ts) / values.MICROSECOND
    micros = round(duration * values.MICROSECOND)
    start_ts = start_ts if start_ts is not None else (end_ts or 0) - micros
    end_ts = end_ts if end_ts is not None else start_ts + micros
    if "log_time" in raw:
        values.check_start(start_ts, values.instant("log time", zone, raw["log_time"]))
    return {"start_ts": start_ts, "end_ts": end_ts, "duration_s": duration}


def _threat_times(raw: Raw, zone: str) -> dict[str, Any]:
    if "log_time" not in raw:
        return {"end_ts": values.instant("end_ts", zone, raw.get("end_ts"))}
    log_ts = values.instant("log time", zone, raw["log_time"])
    return {"end_ts": precise_time(raw.get("precise_time"), log_ts, zone)}


def _optional_instant(name: str, raw: Raw, zone: str) -> int | None:
    return values.instant(name, zone, raw.get(name)) if values.text(raw.get(name)) else None


def precise_time(value: str | None, log_ts: int, zone: str) -> int:
    """The high-resolution timestamp; the log time where the release or the log subtype has none."""
    try:
        return values.instant("high-resolution timestamp", zone, value)
    except FieldError:
        return log_ts


def status_of(kind: str, subtype: str | None) -> str:
    """`UNCOUNTED` for a start log, since the end log repeats it; `KEPT` for all others."""
    return UNCOUNTED if kind == TRAFFIC and subtype == "start" else KEPT


def threat_id(name: str | None, number: str | None) -> str | None:
    """The threat as PAN-OS writes it: `name(number)`."""
    if number and not (name or "").endswith(f"({number})"):
        return f"{name or ''}({number})"
    return name
