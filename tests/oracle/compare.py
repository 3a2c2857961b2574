"""Comparison of two tables by key, column by column, with everything that differs in the message."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

SHOWN = 10


def assert_tables_equal(
    actual: pa.Table, expected: pa.Table, key: Sequence[str], rel: float = 1e-9, abs: float = 1e-9
) -> None:
    """Checks that both tables have the same columns and rows, in any order.

    Nulls equal only nulls. Whole numbers, texts, times and truth values must be the same; when either side is a
    floating-point number, they may differ by `abs` or by `rel` of the larger one. NaN equals nothing.

    Raises:
        AssertionError: naming columns, rows that are missing, extra or there twice, and the first values that differ.
    """
    faults = _columns(actual, expected)
    if missing := [
        column for column in key if column not in actual.column_names or column not in expected.column_names
    ]:
        raise AssertionError("; ".join([*faults, f"the key needs {missing}"]))
    actual_keys, expected_keys = _keys(actual, key), _keys(expected, key)
    for name, keys in (("actual", actual_keys), ("expected", expected_keys)):
        if doubled := [value for value, count in Counter(keys).items() if count > 1]:
            raise AssertionError(f"keys that occur more than once in {name}: {_some(doubled)}")
    faults += [
        f"{what} rows: {_some(rows)}"
        for what, rows in (
            ("missing", sorted(set(expected_keys) - set(actual_keys), key=repr)),
            ("extra", sorted(set(actual_keys) - set(expected_keys), key=repr)),
        )
        if rows
    ]
    row_of = {value: number for number, value in enumerate(actual_keys)}
    shared = [(value, number) for number, value in enumerate(expected_keys) if value in row_of]
    differences = []
    for column in expected.column_names:
        if column in key or column not in actual.column_names:
            continue
        left, right = _values(actual[column]), _values(expected[column])
        differences += [
            f"  {dict(zip(key, value, strict=True))} {column}:"
            f" actual {left[row_of[value]]!r}, expected {right[number]!r}"
            for value, number in shared
            if not _same(left[row_of[value]], right[number], rel, abs)
        ]
    if differences:
        faults.append("\n".join([f"{len(differences)} values differ:", *differences[:SHOWN]]))
    if faults:
        raise AssertionError("\n".join(faults))


def _columns(actual: pa.Table, expected: pa.Table) -> list[str]:
    missing = [name for name in expected.column_names if name not in actual.column_names]
    extra = [name for name in actual.column_names if name not in expected.column_names]
    return [f"{what} columns: {_some(found)}" for what, found in (("missing", missing), ("extra", extra)) if found]


def _keys(table: pa.Table, key: Sequence[str]) -> list[tuple[Any, ...]]:
    columns = [_values(table[column]) for column in key]
    return list(zip(*columns, strict=True)) if table.num_rows else []


def _values(column: pa.ChunkedArray) -> list[Any]:
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", column.type.tz))
    values: list[Any] = column.to_pylist()
    return values


def _same(left: Any, right: Any, rel: float, abs: float) -> bool:
    if left is None or right is None:
        return left is right
    if isinstance(left, bool) or isinstance(right, bool):
        return type(left) is type(right) and left == right
    if isinstance(left, float) or isinstance(right, float):
        numbers = isinstance(left, float | int) and isinstance(right, float | int)
        return numbers and math.isclose(left, right, rel_tol=rel, abs_tol=abs)
    return bool(left == right)


def _some(values: Sequence[Any]) -> str:
    rest = f" and {len(values) - SHOWN} more" if len(values) > SHOWN else ""
    return f"{', '.join(map(repr, values[:SHOWN]))}{rest}"
