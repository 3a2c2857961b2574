"""One record, as raw text by canonical column name, to a canonical session. Every line-by-line reader ends here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from common.logs import values
from common.logs.batches import KEPT, UNCOUNTED
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
}
"""How text columns are normalised."""

COUNTERS = ("bytes_sent", "bytes_received", "packets_sent", "packets_received", "sequence_number")
"""Whole numbers that may be empty."""

TRAFFIC_ONLY = frozenset({"bytes_sent", "bytes_received", "packets_sent", "packets_received", "session_end_reason"})
THREAT_ONLY = frozenset({"threat_id", "severity"})

Raw = Mapping[str, str | None]


def foreign_columns(kind: str) -> frozenset[str]:
    """Columns that are null in logs of this type, whatever a record says."""
    return THREAT_ONLY if kind == TRAFFIC else TRAFFIC_ONLY


def session_of(kind: str, raw: Raw, zone: str) -> dict[str, Any]:
    """The session of a record; absent fields count as empty.

    Args:
        kind: TRAFFIC or THREAT.
        raw: text by canonical column name; also `log_time` (when it was logged) and `precise_time` (the same, exact).
        zone: time zone of times that do not name one.

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
    session["repeat_count"] = values.repeat_count(raw.get("repeat_count"))
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
    """The high-resolution timestamp; the log time where a release or a log subtype has none at its place."""
    try:
        return values.instant("high-resolution timestamp", zone, value)
    except FieldError:
        return log_ts


def status_of(kind: str, subtype: str | None) -> str:
    """A start log repeats what the end log will say, so it does not count."""
    return UNCOUNTED if kind == TRAFFIC and subtype == "start" else KEPT
