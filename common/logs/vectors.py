"""The rules of `values`, applied to whole columns: the same results, many values at a time.

Each function returns the values and a mask of those that are certain. A value that is not certain (odd, wrong or empty where
it must not be) is for the line-by-line reader to judge.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from common.logs.values import FieldError

Mask = npt.NDArray[np.bool_]

_PLAIN_INTEGER = "^[0-9]{1,18}$"


def by_distinct(
    column: pa.DictionaryArray, rule: Callable[[str], Any], arrow_type: pa.DataType
) -> tuple[pa.Array, Mask]:
    """The rule's result for every value, computed once per distinct one. Null stays null and is certain."""
    certain = np.ones(len(column.dictionary), dtype=bool)
    results: list[Any] = []
    for at, value in enumerate(column.dictionary.to_pylist()):
        try:
            results.append(rule(value))
        except FieldError:
            results.append(None)
            certain[at] = False
    decoded = pa.array(results, arrow_type).take(column.indices)
    if certain.all():
        return decoded, np.ones(len(column), dtype=bool)
    indices = column.indices.fill_null(0).to_numpy(zero_copy_only=False)
    return decoded, certain[indices] | np.asarray(column.is_null())


def integers(column: pa.StringArray) -> tuple[pa.Array, Mask]:
    """Non-negative whole numbers as 64-bit integers. Null stays null and is certain."""
    if _only_digits(column):
        try:
            return column.cast(pa.int64()), np.ones(len(column), dtype=bool)
        except pa.ArrowInvalid:
            pass
    plain = pc.match_substring_regex(column, _PLAIN_INTEGER)
    numbers = pc.if_else(plain, column, pa.scalar(None, pa.string())).cast(pa.int64())
    return numbers, np.asarray(plain.fill_null(True))


def _only_digits(column: pa.StringArray) -> bool:
    _, offsets, data = column.buffers()
    if data is None or len(column) == 0:
        return True
    bounds = np.frombuffer(offsets, dtype=np.int32, count=len(column) + 1, offset=4 * column.offset)
    used = np.frombuffer(data, dtype=np.uint8)[bounds[0] : bounds[-1]]
    return bool(((used - np.uint8(48)) < 10).all())


def certain_where_valid(column: pa.Array, certain: Mask) -> Mask:
    """The mask, without the nulls of a column that must not have any."""
    return certain & np.asarray(column.is_valid()) if column.null_count else certain
