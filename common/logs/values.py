"""Rules that turn one raw value into a canonical one. All readers use them, so that all formats agree.

A rule takes raw text and returns the canonical value, or None for an empty optional one, or raises `FieldError`.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from common.canonical import address_text

MICROSECOND = 1_000_000
MINUTE = 60 * MICROSECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
MAX_LONG = 2**63 - 1
MAX_DURATION_S = 10**9
PORTS = range(65_536)
BLANK = " \t\r\n\v\f\0\ufeff"
HEADER_TIME = (
    r"(?s).*(?:^|[ >])"
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})) "
)
"""A syslog header up to its last time that names an offset: the one that the device wrote, or the next to it."""

_EPOCH = datetime(1970, 1, 1)
_YEARS = range(1970, 2200)
LAST_INSTANT = 7_258_118_400 * MICROSECOND
_MINUTE = re.compile(r"([0-9]{4})([/-])([0-9]{2})\2([0-9]{2})[T ]([0-9]{2}):([0-9]{2})")
_SECONDS = {f":{second:02d}": second * MICROSECOND for second in range(60)}
_REST = re.compile(r"(:[0-9]{2})?(?:[.,]([0-9]{1,9}))?\s*(Z|UTC|[+-](?:[01][0-9]|2[0-3]):?[0-5][0-9])?")
_HEADER_TIME = re.compile(HEADER_TIME)
_OFFSET = re.compile(r"(?:UTC)?([+-])([01][0-9]|2[0-3]):?([0-5][0-9])")
_DECIMAL = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,3})?")
_INTEGER = re.compile(r"-?[0-9]{1,40}")

_PROTOCOLS = {
    **dict.fromkeys(("tcp", "6"), "tcp"),
    **dict.fromkeys(("udp", "17"), "udp"),
    **dict.fromkeys(("icmp", "1", "ipv6-icmp", "icmp6", "icmpv6", "icmp-v6", "58"), "icmp"),
}


class FieldError(ValueError):
    """A raw value that its rule does not accept; the message names the field and the value."""


def shown(value: object) -> str:
    """The value as shown in the reason of a reject, at most 80 characters."""
    text = str(value)
    return repr(text if len(text) <= 80 else text[:77] + "...")


def text(value: str | None) -> str | None:
    """The value without surrounding blanks; None if nothing is left."""
    return (value and value.strip(BLANK)) or None


def lower(value: str | None) -> str | None:
    """The text in lower case."""
    stripped = text(value)
    return stripped and stripped.lower()


def hyphenated(value: str | None) -> str | None:
    """The text in lower case with hyphens for blanks, so that `reset both` and `reset-both` are one action."""
    stripped = text(value)
    return stripped and "-".join(stripped.lower().split())


def user(value: str | None) -> str | None:
    """The user; None where the column names a proxy's client address instead (`x-fwd-for: 10.1.2.3`)."""
    stripped = text(value)
    return None if stripped and stripped.lower().startswith("x-fwd-for:") else stripped


def protocol(value: str | None) -> str:
    """The protocol: tcp, udp, icmp (for ICMPv6 too) or other."""
    name = lower(value)
    if name is None:
        raise FieldError("protocol is empty")
    return _PROTOCOLS.get(name, "other")


@lru_cache(maxsize=1 << 16)
def _address(value: str) -> str | None:
    try:
        return address_text(ipaddress.ip_address(value.partition("%")[0]))
    except ValueError:
        return None


def ip(name: str, value: str | None) -> str:
    """The address: IPv6 compressed, in lower case and without zone index; IPv4-mapped IPv6 as IPv4."""
    stripped = text(value)
    if stripped is None:
        raise FieldError(f"{name} is empty")
    address = _address(stripped)
    if address is None:
        raise FieldError(f"{name} {shown(stripped)} is not an IP address")
    return address


def integer(name: str, value: str | None, maximum: int = MAX_LONG) -> int | None:
    """The number, 0 to the maximum; None for an empty value."""
    stripped = text(value)
    if stripped is None:
        return None
    if not _INTEGER.fullmatch(stripped):
        raise FieldError(f"{name} {shown(stripped)} is not a whole number")
    number = int(stripped)
    if number < 0:
        raise FieldError(f"{name} {number} is negative")
    if number > maximum:
        raise FieldError(f"{name} {number} is above {maximum}")
    return number


def port(name: str, value: str | None, session_protocol: str) -> int:
    """The port, 0 to 65535; always 0 for ICMP. It may be empty only for protocols without ports."""
    number = integer(name, value)
    if number is None:
        if session_protocol in ("tcp", "udp"):
            raise FieldError(f"{name} is empty")
        return 0
    if number not in PORTS:
        raise FieldError(f"{name} {number} is outside 0 to 65535")
    return 0 if session_protocol == "icmp" else number


def translated_ip(value: str | None) -> str | None:
    """The address after NAT; None without one, which PAN-OS writes as 0.0.0.0 or ::."""
    stripped = text(value)
    address = stripped and _address(stripped)
    return None if address in ("0.0.0.0", "::") else address or None


def small_number(value: str | None, maximum: int) -> int | None:
    """The number, 1 to the maximum; None for any other text."""
    number = counter(value)
    return number if number is not None and 1 <= number <= maximum else None


def counter(value: str | None) -> int | None:
    """The number, from 0; None for an empty or an impossible one, which costs no session."""
    try:
        return integer("counter", value)
    except FieldError:
        return None


def repeat_count(value: str | None) -> int:
    """The number of sessions that the record stands for; an empty or impossible count and 0 mean 1."""
    return counter(value) or 1


def seconds(name: str, value: str | None) -> float:
    """The length of a session in seconds, with or without a fraction."""
    stripped = text(value)
    if stripped is None:
        raise FieldError(f"{name} is empty")
    if not _DECIMAL.fullmatch(stripped):
        raise FieldError(f"{name} {shown(stripped)} is not a number")
    number = float(stripped)
    if not 0 <= number <= MAX_DURATION_S:
        raise FieldError(f"{name} {stripped} is outside 0 to {MAX_DURATION_S} s")
    return number


@lru_cache(maxsize=64)
def zone(name: str) -> tzinfo:
    """The time zone of an IANA name or an offset such as +02:00.

    Raises:
        ValueError: the name is neither.
    """
    if name in ("UTC", "Z"):
        return UTC
    if match := _OFFSET.fullmatch(name):
        sign, hours, minutes = match.groups()
        delta = timedelta(hours=int(hours), minutes=int(minutes))
        return timezone(-delta if sign == "-" else delta)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is neither an IANA time zone nor an offset") from None


Stamp = tuple[int, int | None]
"""Microseconds on the wall clock since 1970 began there, and the offset from UTC if the time names one."""


@lru_cache(maxsize=1 << 16)
def _minute(value: str) -> int | None:
    """Microseconds of a minute on the wall clock; None if there is no such minute."""
    match = _MINUTE.fullmatch(value)
    if not match or int(match[1]) not in _YEARS:
        return None
    try:
        naive = datetime(int(match[1]), int(match[3]), int(match[4]), int(match[5]), int(match[6]))
    except ValueError:
        return None
    return (naive - _EPOCH) // timedelta(microseconds=1)


def offsets(zone_name: str, wall: int) -> tuple[int, int]:
    """The offsets from UTC when the wall clock of the zone shows the time, in microseconds.

    They differ if it does so twice, because clocks are set back; the first comes first.
    """
    return _offsets(zone_name, wall // MINUTE)


@lru_cache(maxsize=1 << 16)
def _offsets(zone_name: str, minute: int) -> tuple[int, int]:
    naive = _EPOCH + timedelta(minutes=minute)
    first, second = (zone(zone_name).utcoffset(naive.replace(fold=fold)) or timedelta() for fold in (0, 1))
    return first // timedelta(microseconds=1), second // timedelta(microseconds=1)


@lru_cache(maxsize=1 << 10)
def _rest(value: str) -> tuple[int, int | None] | None:
    """Microseconds within the minute and the offset, from the text after the minute; None if it is neither."""
    match = _REST.fullmatch(value)
    if not match or (match[1] and match[1] not in _SECONDS) or (match[2] and not match[1]):
        return None
    micros = _SECONDS[match[1]] if match[1] else 0
    own = None if match[3] is None else offsets(match[3].replace("Z", "UTC"), 0)[0]
    return micros + int((match[2] or "0").ljust(6, "0")[:6]), own


def stamp(name: str, value: str | None) -> Stamp:
    """A time such as `2024/03/11 16:23:00` or an ISO-8601 one."""
    raw = value or ""
    second = _SECONDS.get(raw[16:])
    if second is not None:
        minute = _minute(raw[:16])
        if minute is not None:
            return minute + second, None
    stripped = text(value)
    if stripped is None:
        raise FieldError(f"{name} is empty")
    rest, minute = _rest(stripped[16:]), _minute(stripped[:16])
    if rest is None or minute is None:
        raise FieldError(f"{name} {shown(stripped)} is not a date and time")
    return minute + rest[0], rest[1]


def header_stamp(value: str | None) -> Stamp | None:
    """The time in a syslog header, if it names its offset."""
    found = _HEADER_TIME.match(value or "")
    if found is None:
        return None
    try:
        return stamp("header time", found[1])
    except FieldError:
        return None


def instant(name: str, zone_name: str, value: str | None) -> int:
    """Microseconds since the epoch of a time; the zone applies to times that do not name one.

    Of a minute that occurs twice, when clocks are set back, the first counts.
    """
    wall, own = stamp(name, value)
    return wall - (offsets(zone_name, wall)[0] if own is None else own)


def epoch(name: str, value: str | None) -> int:
    """Microseconds since the epoch of a time in seconds since the epoch, with a fraction."""
    stripped = text(value)
    whole, _, fraction = (stripped or "").partition(".")
    if not (whole.isascii() and whole.isdigit() and (not fraction or (fraction.isascii() and fraction.isdigit()))):
        raise FieldError(f"{name} {shown(stripped or '')} is not a time in seconds since the epoch")
    if len(whole) > 10 or int(whole) > 7_258_118_400:
        raise FieldError(f"{name} {shown(stripped)} is after the year 2199")
    return int(whole) * MICROSECOND + int(fraction.ljust(6, "0")[:6] or 0)


def wall_clock(micros: int) -> str:
    """The instant as ISO-8601 UTC text, for messages."""
    return (_EPOCH + timedelta(microseconds=micros)).isoformat() + "Z"


def check_start(start_ts: int, log_ts: int) -> None:
    """Raises `FieldError` for a session that starts more than a day after its log was written."""
    if start_ts > log_ts + DAY:
        raise FieldError(f"start_ts {wall_clock(start_ts)} is more than a day after the log time {wall_clock(log_ts)}")
