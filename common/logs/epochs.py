"""Times of formats that write ISO-8601 or numbers since the epoch: in seconds, or in parts of a second."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Integers
from common.logs import values
from common.logs.values import FieldError

_LAST_SECOND = 7_258_118_400
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]*)?")
_UNITS = ((1, 1_000_000), (10**3, 10**3), (10**6, 1), (10**9, 0))
"""The units in a second, and the microseconds in each of them."""
_UTC = pa.timestamp("us", "UTC")
_MAX_FRACTION = 6


def iso(name: str, value: str | None) -> str | None:
    """The time as ISO-8601 text: a number since the epoch becomes one, other text stays as it is.

    The size of the number shows its unit: seconds, with or without a fraction, milli-, micro- or nanoseconds. A number
    of any unit but seconds therefore means a time after April 1973.
    """
    stripped = values.text(value)
    if stripped is None or not _NUMBER.fullmatch(stripped):
        return value
    whole, _, fraction = stripped.partition(".")
    number = int(whole[:20])
    if number > _LAST_SECOND:
        return values.wall_clock(_micros(name, stripped, number))
    return values.wall_clock(number * values.MICROSECOND + int(fraction.ljust(6, "0")[:6] or 0))


def _micros(name: str, text: str, number: int) -> int:
    """Microseconds since the epoch of a number of milli-, micro- or nanoseconds."""
    for per_second, micros in _UNITS[1:]:
        if _LAST_SECOND * per_second // 72 <= number <= _LAST_SECOND * per_second:
            return number * micros if micros else number // 1_000
    raise FieldError(f"{name} {values.shown(text)} is not a time between 1970 and 2199")


def instants(column: pa.StringArray) -> pa.Array:
    """The times of a column as `iso` and `values.instant` have them: instants in UTC, null where they are not certain.

    A column of which most are in another form is returned as it is.
    """
    if column.null_count == len(column):
        return pa.nulls(len(column), _UTC)
    for form in (_iso_instants, _epoch_instants):
        found = form(column)
        if found is not None:
            return found
    return column


def _iso_instants(column: pa.StringArray) -> pa.Array | None:
    """Instants of texts such as `2024-03-11T16:22:50.123Z`; None unless all are of this form."""
    shortest, longest = len("2024-03-11T16:22:50Z"), len("2024-03-11T16:22:50.123456Z")
    lengths = pc.min_max(pc.binary_length(column))
    if lengths["min"].as_py() < shortest or lengths["max"].as_py() > longest:
        return None
    if not pc.all(pc.ends_with(column, "Z")).as_py():
        return None
    try:
        return column.cast(_UTC)
    except pa.ArrowInvalid:
        return None


def _epoch_instants(column: pa.StringArray) -> pa.Array | None:
    """Instants of numbers since the epoch; None unless most are such numbers."""
    plain = pc.match_substring_regex(column, rf"^[0-9]{{1,19}}(?:\.[0-9]{{0,{_MAX_FRACTION}}})?$")
    if 2 * (pc.sum(plain).as_py() or 0) < len(column):
        return None
    numbers = pc.if_else(plain, column, pa.scalar(None, pa.string()))
    seconds = numbers.cast(pa.float64()).fill_null(-1.0).to_numpy(zero_copy_only=False)
    is_seconds = (seconds >= 0) & (seconds <= _LAST_SECOND)
    micros = np.rint(np.where(is_seconds, seconds, 0) * values.MICROSECOND).astype(np.int64)
    certain = is_seconds
    if not is_seconds.all():
        micros, certain = _with_parts(numbers, micros, is_seconds)
    return pa.array(micros, mask=~certain).view(_UTC)


def _with_parts(numbers: pa.StringArray, micros: Integers, certain: np.ndarray) -> tuple[Integers, np.ndarray]:
    """The instants, with those of whole numbers of milli-, micro- and nanoseconds."""
    whole = pc.match_substring_regex(numbers, r"^[0-9]{11,19}$").fill_null(False)
    large = pc.if_else(whole, numbers, pa.scalar(None, pa.string()))
    try:
        units = large.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return micros, certain
    for per_second, each in _UNITS[1:]:
        inside = (units >= _LAST_SECOND * per_second // 72) & (units <= _LAST_SECOND * per_second) & ~certain
        micros = np.where(inside, units * each if each else units // 1_000, micros)
        certain = certain | inside
    return micros, certain
