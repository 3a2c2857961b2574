"""Rules for the values of `key=value` pairs, and how the times of PAN-OS's templates belong together."""

from __future__ import annotations

import re
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Flags
from common.logs import values
from common.logs.vectors import as_text, by_distinct, real_numbers

_ESCAPE = re.compile(r"\\([\\=|])")
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


def without_foreign_zone(raw: dict[str, str | None]) -> dict[str, str | None]:
    """The texts without a log time in UTC beside a start in local time, for whose zone it would be taken."""
    start, logged = raw.get("start_ts"), raw.get("log_time")
    if not start or not logged or _NAMED.search(start) or not _NAMED.search(logged):
        return raw
    return {name: value for name, value in raw.items() if name != "log_time"}


def with_own_zone(start: pa.Array, logged: pa.Array) -> Flags:
    """Which rows `without_foreign_zone` leaves as they are."""
    by_log, by_start = (pc.match_substring_regex(as_text(each), _NAMED.pattern) for each in (logged, start))
    own: Flags = ~np.asarray(by_log.fill_null(False)) | np.asarray(by_start.fill_null(False))
    return own


_NAMED = re.compile(r"(?:Z|UTC|[+-][0-9]{2}:?[0-9]{2})\s*$")


def _micros(column: pa.Array, name: str) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], Flags]:
    numbers, certain = by_distinct(column, partial(values.instant, name, "UTC"), pa.int64())
    return numbers.fill_null(0).to_numpy(zero_copy_only=False), certain & np.asarray(numbers.is_valid())
