"""The sums of the specification: SQL over the columns of a session, which DuckDB evaluates."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from common.contracts.session import SESSION_COLUMNS
from common.contracts.types import arrow_schema
from common.errors import SpecError
from common.features.spec import FeatureSpec, Metric

if TYPE_CHECKING:
    import duckdb

MICROS = 1_000_000
BITS = 62
"""Conditions that one column has."""
INCOMPLETE = "is_incomplete"
COLUMNS = arrow_schema(SESSION_COLUMNS)


def columns_named(spec: FeatureSpec) -> frozenset[str]:
    """The columns of a session that the sums name."""
    words = {word.lower() for metric in spec.sums for word in re.findall(r"\w+", metric.sum)}
    return frozenset(words & set(COLUMNS.names))


def conditions(spec: FeatureSpec) -> dict[str, str]:
    """The SQL of each count, by name, and of `INCOMPLETE`."""
    return {metric.name: metric.sum for metric in spec.sums if metric.counts} | {INCOMPLETE: "app = 'incomplete'"}


def flags(spec: FeatureSpec) -> dict[str, tuple[str, int]]:
    """The column that has each of the conditions, and its bit there."""
    return {name: (f"flags_{place // BITS}", place % BITS) for place, name in enumerate(conditions(spec))}


def connection() -> duckdb.DuckDBPyConnection:
    """A connection that reads nothing but what it is given, for one thread, which closes it."""
    import duckdb

    return duckdb.connect(config={"threads": 1, "enable_external_access": False})


def evaluated(
    asked: duckdb.DuckDBPyConnection, sessions: pa.Table, spec: FeatureSpec, more: Mapping[str, str]
) -> pa.Table:
    """What each session has for the sums, and more columns, which are given as SQL by name; in their order.

    Of counts that is whether the record is one of those counted, as `flags`, and of others the value. Null stands for
    false and 0. Seconds are whole microseconds, so that sums are exact.

    Raises:
        SpecError: a sum cannot be evaluated.
    """
    import duckdb

    try:
        return _selected(asked, sessions, {**more, **_flags_sql(spec), **_values_sql(spec)})
    except duckdb.Error:
        _check(asked, sessions, spec)
        raise


def check_sums(spec: FeatureSpec) -> None:
    """Checks that DuckDB understands every sum of the specification.

    Raises:
        SpecError: it does not; the message names the metric.
    """
    with connection() as asked:
        _check(asked, COLUMNS.empty_table(), spec)


def _check(asked: duckdb.DuckDBPyConnection, sessions: pa.Table, spec: FeatureSpec) -> None:
    if not _refusal(asked, sessions, spec.sums):
        return
    for metric in spec.sums:  # one by one, to name the one that is wrong
        if problem := _refusal(asked, sessions, [metric]):
            raise SpecError(
                f"common/features/{spec.version}.yaml, metric {metric.name}: the sum {metric.sum!r} is wrong: "
                f"{problem}",
                f"Correct it; the columns of a session are {', '.join(COLUMNS.names)}",
            )


def _refusal(asked: duckdb.DuckDBPyConnection, sessions: pa.Table, metrics: Sequence[Metric]) -> str:
    """What speaks against the sums of these metrics; "" for nothing."""
    import duckdb

    columns = {metric.name: f"({metric.sum})" if metric.counts else _value(metric) for metric in metrics}
    try:
        found = _selected(asked, sessions, {**columns, "of": "end_ts"})
    except duckdb.Error as error:
        return " ".join(str(error).split())[:200]
    are_conditions = all(pa.types.is_boolean(found[metric.name].type) for metric in metrics if metric.counts)
    return "" if are_conditions else "it is no condition"


def _selected(asked: duckdb.DuckDBPyConnection, sessions: pa.Table, columns: Mapping[str, str]) -> pa.Table:
    asked.register("sessions", sessions)
    listed = ", ".join(f'{sql} AS "{name}"' for name, sql in columns.items())
    return asked.sql(f"SELECT {listed} FROM sessions").to_arrow_table()


def _flags_sql(spec: FeatureSpec) -> dict[str, str]:
    bits: dict[str, list[str]] = {}
    for (column, bit), condition in zip(flags(spec).values(), conditions(spec).values(), strict=True):
        bits.setdefault(column, []).append(f"CASE WHEN {condition} THEN {1 << bit}::BIGINT ELSE 0::BIGINT END")
    return {column: " | ".join(f"({bit})" for bit in some) for column, some in bits.items()}


def _values_sql(spec: FeatureSpec) -> dict[str, str]:
    return {metric.name: _value(metric) for metric in spec.sums if not metric.counts}


def _value(metric: Metric) -> str:
    whole = f"round(({metric.sum}) * {MICROS})" if metric.kind == "seconds" else f"trunc({metric.sum})"
    return f"coalesce(CAST({whole} AS BIGINT), 0)"
