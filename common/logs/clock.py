"""When a record was written, and when its session began and ended, in UTC.

Firewalls write wall-clock times without a zone. The offset of a record comes from the first of these that it has: a
log time that names its offset; the high-resolution timestamp, which is the same moment with an offset; the syslog
header, if that names an offset; the zone of the device; the zone of the project. The header says when a relay got the
record, in the zone of the relay: it counts only if it differs from the log time by an offset that is in use, and at
most `MAX_RESIDUAL` more or less. Where header and high-resolution timestamp disagree, the timestamp is right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from common.logs import values
from common.logs.options import ReadOptions
from common.logs.values import DAY, HOUR, MINUTE, FieldError

IN_RECORD, HIGH_RESOLUTION, SYSLOG_HEADER = "in_record", "high_resolution", "syslog_header"
DEVICE, PROJECT = "device_time_zones", "project"
ZONE_SOURCES = (IN_RECORD, HIGH_RESOLUTION, SYSLOG_HEADER, DEVICE, PROJECT)
"""Where the offset of a record can come from, in order of preference."""

QUARTER = 15 * MINUTE
MAX_RESIDUAL = 3 * MINUTE
OFFSETS_IN_USE = frozenset(
    {hours * 4 for hours in range(-12, 15)}
    | {-38, -14, -10, 14, 18, 22, 23, 26, 35, 38, 42, 51, 55}
)  # fmt: skip
"""All offsets from UTC that are in use on earth, in quarters of an hour."""

MAX_LEAD = MINUTE
"""How long before its end a session can be logged, as clocks and rounding have it."""

MAX_RECEIVED_LEAD = HOUR
"""How long before it is written a log can be received, if both times name their offset."""

Raw = Mapping[str, str | None]


def offset_between(wall: int, instant: int) -> int | None:
    """The offset of a wall clock that showed `wall` at about the instant; None if no offset in use explains both."""
    quarters = (wall - instant + QUARTER // 2) // QUARTER
    near = abs(wall - instant - quarters * QUARTER) <= MAX_RESIDUAL
    return quarters * QUARTER if near and quarters in OFFSETS_IN_USE else None


def zone_of(raw: Raw, options: ReadOptions) -> tuple[str, str]:
    """The zone of times without one where the record does not settle it, and where that zone comes from."""
    named = options.device_time_zones.get(values.text(raw.get("device_serial")) or "")
    return (named, DEVICE) if named else (options.time_zone, PROJECT)


def traffic_times(raw: Raw, options: ReadOptions) -> dict[str, Any]:
    """The times of a session, and its `zone_source`.

    Where clocks were set back, the hour that occurs twice is settled by the end of the session: of all readings, the
    one counts with the least time between the end and the log, and of equal ones the first.

    Raises:
        FieldError: a time is missing or wrong.
    """
    start, end = _optional("start_ts", raw), _optional("end_ts", raw)
    if start is None and end is None:
        raise FieldError("start_ts is empty")
    log = _log_stamp(raw) if "log_time" in raw else None
    zone, source = zone_of(raw, options)
    offset, source = _offset(raw, log or start or end, log is not None, source)
    duration, micros = 0.0, None
    if start is None or end is None or values.text(raw.get("duration_s")):
        duration = values.seconds("duration_s", raw.get("duration_s"))
        micros = round(duration * values.MICROSECOND)
    log_ts, start_ts, end_ts = (None if each is None else _instant(each, offset, zone) for each in (log, start, end))
    if start is not None and end is None and log is not None and micros is not None:
        start_ts, log_ts = _settled(start, log, micros, offset, zone)
    if start_ts is None:
        start_ts = (end_ts or 0) - (micros or 0)
    if end_ts is None:
        end_ts = start_ts + (micros or 0)
    if micros is None:
        if end_ts < start_ts:
            raise FieldError(f"end_ts {values.wall_clock(end_ts)} is before start_ts {values.wall_clock(start_ts)}")
        duration = (end_ts - start_ts) / values.MICROSECOND
    if log_ts is not None:
        values.check_start(start_ts, log_ts)
        log_ts = _precise(raw, log_ts, offset, zone)
    return {"start_ts": start_ts, "end_ts": end_ts, "duration_s": duration, "log_ts": log_ts, "zone_source": source}


def threat_times(raw: Raw, options: ReadOptions) -> dict[str, Any]:
    """The time of an event, and its `zone_source`.

    Raises:
        FieldError: it is missing or wrong.
    """
    written = "log_time" in raw
    log = _log_stamp(raw) if written else values.stamp("end_ts", raw.get("end_ts"))
    zone, source = zone_of(raw, options)
    offset, source = _offset(raw, log, written, source)
    end_ts = _instant(log, offset, zone)
    if not written:
        return {"end_ts": end_ts, "zone_source": source}
    end_ts = _precise(raw, end_ts, offset, zone)
    return {"end_ts": end_ts, "log_ts": end_ts, "zone_source": source}


def _log_stamp(raw: Raw) -> values.Stamp:
    log = values.stamp("log time", raw["log_time"])
    try:
        received = values.stamp("receive time", raw.get("received_time"))
    except FieldError:
        return log
    if log[1] is not None and received[1] is not None:
        written, arrived = log[0] - log[1], received[0] - received[1]
        if written > arrived + MAX_RECEIVED_LEAD:
            wrong = f"log time {values.wall_clock(written)} is in the future"
            raise FieldError(f"{wrong}: the log was received {values.wall_clock(arrived)}")
    return log


def _optional(name: str, raw: Raw) -> values.Stamp | None:
    return values.stamp(name, raw.get(name)) if values.text(raw.get(name)) else None


def _offset(raw: Raw, log: values.Stamp | None, written: bool, source: str) -> tuple[int | None, str]:
    """The offset of the wall clock when the record was written, None if it does not say; and where it comes from."""
    if log is None or log[1] is not None:
        return (log and log[1]), IN_RECORD
    if written:
        for name, found in ((HIGH_RESOLUTION, precise_stamp(raw)), (SYSLOG_HEADER, _header(raw))):
            if found is not None and found[1] is not None:
                offset = offset_between(log[0], found[0] - found[1])
                if offset is not None:
                    return offset, name
    return None, source


def precise_stamp(raw: Raw) -> values.Stamp | None:
    """The high-resolution timestamp; None where the release or the log subtype has none."""
    try:
        return values.stamp("high-resolution timestamp", raw.get("precise_time"))
    except FieldError:
        return None


def _header(raw: Raw) -> values.Stamp | None:
    return values.header_stamp(raw.get("header"))


def _precise(raw: Raw, log_ts: int, offset: int | None, zone: str) -> int:
    """The high-resolution timestamp if it is of the day of the log time; else the log time."""
    found = precise_stamp(raw)
    instant = log_ts if found is None else _instant(found, offset, zone)
    return instant if abs(instant - log_ts) <= DAY else log_ts


def _instant(stamp: values.Stamp, offset: int | None, zone: str) -> int:
    """The instant of a time: by its own offset, that of the record, or the zone."""
    wall, own = stamp
    if own is None:
        own = values.offsets(zone, wall)[0] if offset is None else offset
    return wall - own


def _settled(start: values.Stamp, log: values.Stamp, micros: int, offset: int | None, zone: str) -> tuple[int, int]:
    """Start and log time, of all readings those that fit best."""
    best, least = None, None
    for log_ts, start_ts in _readings(start, log, offset, zone):
        gap = log_ts - start_ts - micros
        if best is None:
            best = start_ts, log_ts
        if gap >= -MAX_LEAD and (least is None or gap < least):
            best, least = (start_ts, log_ts), gap
    assert best is not None
    return best


def _readings(start: values.Stamp, log: values.Stamp, offset: int | None, zone: str) -> Iterator[tuple[int, int]]:
    """Log time and start by each reading, the likeliest first.

    If the zone does not have the offset of the record, the clocks may have been set back since the start.
    """
    of_log = values.offsets(zone, log[0])
    known = of_log if offset is None else (offset,)
    if start[1] is not None:
        of_start: tuple[int, ...] = (start[1],)
    elif offset is None or offset in of_log:
        of_start = values.offsets(zone, start[0])
    else:
        of_start = (offset, offset + HOUR)
    for log_offset in known:
        for start_offset in of_start:
            yield log[0] - log_offset, start[0] - start_offset
