"""Rules for the values of `key=value` pairs, and how the times of PAN-OS's templates belong together."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Flags
from common.logs import values
from common.logs.vectors import as_text, instants, real_numbers

_ESCAPE = re.compile(r"\\([\\=|])")
_QUARTER = 15 * 60 * values.MICROSECOND
_SECOND = values.MICROSECOND
_TIMESTAMP = pa.timestamp("us", "UTC")


def unescaped(value: str | None) -> str | None:
    r"""The value without the escapes `\\`, `\=` and `\|`. Other backslashes stay: firewalls write `corp\anna`, too."""
    return _ESCAPE.sub(r"\1", value) if value and "\\" in value else value


def unquoted(value: str | None) -> str | None:
    """The value without the quotes around it."""
    return value[1:-1].replace('""', '"') if value and len(value) > 1 and value[0] == value[-1] == '"' else value


def session_start(start: str | None, logged: str | None, duration: str | None) -> str | None:
    """The start of the session, where `start` may be the time at which its log was written.

    PAN-OS's own CEF template has `start=$cef-formatted-time_generated`. A session cannot have ended, after its
    duration, later than its log was received: where it would have, `start` is the time of the log, and the session
    ended then. All three are as the line has them, the times in the same zone.
    """
    if values.text(start) is None or values.text(logged) is None or values.text(duration) is None:
        return start
    begin = values.instant("start", "UTC", start)
    length = round(values.seconds("duration_s", duration) * _SECOND)
    if begin + length <= values.instant("log time", "UTC", logged) or length > begin:
        return start
    return values.wall_clock(begin - length)[: None if str(start).endswith("Z") else -1]


def session_starts(start: pa.Array, logged: pa.Array, duration: pa.Array) -> tuple[pa.Array, Flags]:
    """`session_start` of whole columns; times without a zone are not certain."""
    certain = np.ones(len(start), dtype=bool)
    for column in (start, logged):
        certain &= np.asarray(pc.ends_with(as_text(column), "Z").fill_null(False))
    begins, sure = _micros(start, "start")
    received, known = _micros(logged, "log time")
    lengths, plain = real_numbers(duration, "duration_s")
    certain &= sure & known & plain & np.asarray(duration.is_valid())
    micros = np.rint(np.clip(lengths.fill_null(0).to_numpy(zero_copy_only=False), 0, values.MAX_DURATION_S) * _SECOND)
    late = (begins + micros.astype(np.int64) > received) & (micros <= begins)
    return pa.array(np.where(late, begins - micros.astype(np.int64), begins)).view(_TIMESTAMP), certain


def universal(local: str | None, received: str | None, received_universal: str | None) -> str | None:
    """A local time in UTC, where the line has one moment both in local time and in UTC; else the time as it is."""
    if not (local and received and received_universal) or not (_is_local(local) and _is_local(received)):
        return local
    if not received_universal.endswith("Z"):
        return local
    offset = values.instant("receive time", "UTC", received) - values.instant("devTime", "UTC", received_universal)
    quarters = round(offset / _QUARTER) * _QUARTER
    if abs(offset - quarters) > 2 * _SECOND or abs(quarters) > 14 * 3600 * _SECOND:
        return local
    return values.wall_clock(values.instant("start", "UTC", local) - quarters)


def universals(local: pa.Array, received: pa.Array, received_universal: pa.Array) -> tuple[pa.Array, Flags]:
    """`universal` of whole columns; rows to which it does not apply are not certain."""
    certain = np.ones(len(local), dtype=bool)
    for column in (local, received):
        certain &= np.asarray(pc.match_substring_regex(as_text(column), _LOCAL.pattern).fill_null(False))
    certain &= np.asarray(pc.ends_with(as_text(received_universal), "Z").fill_null(False))
    starts, sure = _micros(local, "start")
    here, known = _micros(received, "receive time")
    there, fixed = _micros(received_universal, "devTime")
    quarters = np.rint((here - there) / _QUARTER).astype(np.int64) * _QUARTER
    certain &= sure & known & fixed & (np.abs(here - there - quarters) <= 2 * _SECOND)
    certain &= np.abs(quarters) <= 14 * 3600 * _SECOND
    return pa.array(np.where(certain, starts - quarters, 0)).view(_TIMESTAMP), certain


_LOCAL = re.compile(r"^[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9:]{8}$")


def _is_local(text: str) -> bool:
    return _LOCAL.match(text) is not None


def _micros(column: pa.Array, name: str) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], Flags]:
    numbers, certain = instants(column, name, "UTC")
    return numbers.fill_null(0).to_numpy(zero_copy_only=False), certain & np.asarray(numbers.is_valid())
