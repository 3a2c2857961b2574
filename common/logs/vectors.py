"""The rules of `values` applied to whole columns, with the same results.

Each function returns the values and a mask of those that are certain. A value is not certain if it is unusual, wrong,
or empty where it must not be; the rules for single values then decide about it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Flags
from common.contracts.session import DICTIONARY
from common.logs import values
from common.logs.values import FieldError

Checked = tuple[pa.Array, Flags]

_BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = rf"^(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9]?)([.]{_BYTE}){{3}}$"
"""An address in the usual form; not 0.0.0.0, which stands for none."""
_PLAIN_INTEGER = "^([0-9]{1,18}|[0-8][0-9]{18})$"
"""A number that 64 bits hold: sequence numbers of PAN-OS have 19 digits."""


def _all_but(*others: Iterable[int]) -> Flags:
    """A table of the bytes, without these."""
    table = np.ones(256, dtype=bool)
    table[list(chain(*others))] = False
    return table


_BLANKS = range(33)
_FIRST = _all_but(_BLANKS, [0xEF])  # of a byte order mark
_LAST = _all_but(_BLANKS, [0xBF])
_NO_X = _all_but(b"xX")


@dataclass(frozen=True)
class _Kept:
    """What a value may begin with and hold for a rule to leave it as it is, if no blank is around it."""

    x_first: bool = True
    blanks: bool = True
    capitals: bool = True


_KEPT: dict[Callable[..., str | None], _Kept] = {
    values.text: _Kept(),
    values.user: _Kept(x_first=False),
    values.lower: _Kept(capitals=False),
    values.hyphenated: _Kept(capitals=False, blanks=False),
}


def by_distinct(column: pa.Array, rule: Callable[[str], Any], arrow_type: pa.DataType) -> Checked:
    """The result of the rule for every value as text, computed once per distinct value. Null stays null, certain."""
    column = encoded(column)
    distinct = column.dictionary.to_pylist()
    try:
        results = list(map(rule, distinct))
    except FieldError:
        return _by_fallible(column, distinct, rule, arrow_type)
    return _of_rows(column, pa.array(results, arrow_type)), _all(column)


def _by_fallible(
    column: pa.DictionaryArray, distinct: list[str], rule: Callable[[str], Any], arrow_type: pa.DataType
) -> Checked:
    """As `by_distinct`, for values of which the rule refuses some."""
    certain = np.ones(len(distinct), dtype=bool)
    results: list[Any] = [None] * len(distinct)
    for at, value in enumerate(distinct):
        try:
            results[at] = rule(value)
        except FieldError:
            certain[at] = False
    indices = column.indices.fill_null(0).to_numpy(zero_copy_only=False)
    return _of_rows(column, pa.array(results, arrow_type)), certain[indices] | np.asarray(column.is_null())


def _of_rows(column: pa.DictionaryArray, results: pa.Array) -> pa.Array:
    """The result of each row, from those of its distinct values, of which some may be equal or null."""
    if not pa.types.is_dictionary(results.type):
        return results.take(column.indices)
    return pa.DictionaryArray.from_arrays(results.indices.take(column.indices), results.dictionary)


def texts(column: pa.Array, rule: Callable[[str], str | None]) -> Checked:
    """The result of a rule for texts or a dictionary of them; where it leaves them all as they are, the column."""
    if rule is values.translated_ip:
        return addresses(column, rule)
    distinct = column.dictionary if pa.types.is_dictionary(column.type) else column
    if _is_kept(distinct, rule) and not _has_empty(distinct):
        return column, _all(column)
    return by_distinct(column, rule, column.type)


def addresses(column: pa.Array, rule: Callable[[str], str | None]) -> Checked:
    """Addresses by a rule that leaves those in the usual form of IPv4 as they are, with a dictionary.

    It reads the other distinct ones.
    """
    column = encoded(column)
    distinct = column.dictionary
    unusual = ~np.asarray(pc.match_substring_regex(distinct, _IPV4))
    if not unusual.any():
        return column, _all(column)
    others, sure = by_distinct(distinct.filter(pa.array(unusual)), rule, pa.string())
    results = pc.replace_with_mask(distinct, pa.array(unusual), others).dictionary_encode()
    certain = np.ones(len(distinct) + 1, dtype=bool)
    certain[:-1][unusual] = sure
    return _of_rows(column, results), certain[column.indices.fill_null(len(distinct)).to_numpy()]


def encoded(column: pa.Array) -> pa.DictionaryArray:
    """The column as texts with a dictionary."""
    return column if column.type == DICTIONARY else as_text(column).dictionary_encode()


def as_text(column: pa.Array) -> pa.Array:
    """The column as strings."""
    if pa.types.is_string(column.type):
        return column
    if pa.types.is_dictionary(column.type):
        return column.cast(column.type.value_type).cast(pa.string())
    return column.cast(pa.string())


def integers(column: pa.Array) -> Checked:
    """Whole numbers from 0 as 64-bit integers. Null stays null and is certain."""
    if pa.types.is_integer(column.type) and not pa.types.is_uint64(column.type):
        numbers = column.cast(pa.int64())
        return numbers, np.asarray(pc.greater_equal(numbers, 0).fill_null(True))
    column = as_text(column)
    if only_digits(column):
        try:
            return column.cast(pa.int64()), _all(column)
        except pa.ArrowInvalid:
            pass
    plain = pc.match_substring_regex(column, _PLAIN_INTEGER)
    numbers = pc.if_else(plain, column, pa.scalar(None, pa.string())).cast(pa.int64())
    return numbers, np.asarray(plain.fill_null(True))


def real_numbers(column: pa.Array, name: str) -> Checked:
    """Seconds as floating-point numbers. Null stays null and is certain; the caller checks the range."""
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        return column.cast(pa.float64(), safe=False), _all(column)
    column = as_text(column)
    if only_digits(column):
        numbers, certain = integers(column)
        return numbers.cast(pa.float64(), safe=False), certain
    return by_distinct(column, partial(values.seconds, name), pa.float64())


def _all(column: pa.Array) -> Flags:
    return np.ones(len(column), dtype=bool)


def bounds_of(column: pa.StringArray) -> npt.NDArray[np.int32]:
    """Where each value of a column of text starts in its data, and where the last one ends."""
    if not len(column):
        return np.zeros(1, dtype=np.int32)
    return np.frombuffer(column.buffers()[1], dtype=np.int32, count=len(column) + 1, offset=4 * column.offset)


def bytes_of(column: pa.StringArray) -> npt.NDArray[np.uint8]:
    """The values of a column of text, one behind the other."""
    data, bounds = column.buffers()[2], bounds_of(column)
    return np.frombuffer(data or b"", dtype=np.uint8)[bounds[0] : bounds[-1]]


def _has_empty(column: pa.StringArray) -> bool:
    return bool(len(column)) and int(np.count_nonzero(np.diff(bounds_of(column)) == 0)) > column.null_count


def _is_kept(column: pa.StringArray, rule: Callable[[str], str | None]) -> bool:
    """Whether, by the bytes alone, the rule leaves every value as it is."""
    kept, used = _KEPT.get(rule), bytes_of(column)
    if kept is None or not len(used):
        return not len(used)
    has_blanks, is_ascii = used.min() <= max(_BLANKS), used.max() < 128
    if has_blanks and not kept.blanks:
        return False
    if not kept.capitals and not (is_ascii and (used - np.uint8(ord("A"))).min() >= 26):
        return False  # outside ASCII, only the rule knows what is a capital
    if is_ascii and not has_blanks and kept.x_first:
        return True
    bounds = bounds_of(column) - bounds_of(column)[0]
    filled = np.flatnonzero(np.diff(bounds))
    first, last = used[bounds[filled]], used[bounds[filled + 1] - 1]
    return bool(_FIRST[first].all() and _LAST[last].all() and (kept.x_first or _NO_X[first].all()))


def only_digits(column: pa.StringArray) -> bool:
    """Whether the values are empty, null, or of digits alone."""
    return bool(((bytes_of(column) - np.uint8(48)) < 10).all())
