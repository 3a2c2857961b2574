"""The sums of the specification: SQL over the columns of a session, which DuckDB evaluates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pyarrow as pa

from common.contracts.session import SESSION_COLUMNS
from common.contracts.types import arrow_schema
from common.errors import SpecError
from common.features.spec import FeatureSpec, Metric

if TYPE_CHECKING:
    import duckdb

MICROS = 1_000_000
COLUMNS = arrow_schema(SESSION_COLUMNS)


def columns_named(spec: FeatureSpec) -> frozenset[str]:
    """The columns of a session that the sums name."""
    words = {word.lower() for metric in spec.sums for word in re.findall(r"\w+", metric.sum)}
    return frozenset(words & set(COLUMNS.names))


def connection() -> duckdb.DuckDBPyConnection:
    """A connection that reads nothing but what it is given, for one thread, which closes it."""
    import duckdb

    return duckdb.connect(config={"threads": 1, "enable_external_access": False})


def evaluated(
    asked: duckdb.DuckDBPyConnection, sessions: pa.Table, spec: FeatureSpec, more: Mapping[str, str]
) -> pa.Table:
    """What each session has for the sums, and more columns, which are given as SQL by name; in their order.

    Of a count that is whether the record is one of those counted, of others the value. Null stands for false and 0.
    Seconds are whole microseconds, so that sums are exact.

    Raises:
        SpecError: a sum cannot be evaluated.
    """
    import duckdb

    try:
        return _selected(asked, sessions, {**more, **{metric.name: _sql(metric) for metric in spec.sums}})
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
    for metric in spec.sums:
        if problem := _refusal(asked, sessions, metric):
            raise SpecError(
                f"common/features/{spec.version}.yaml, metric {metric.name}: the sum {metric.sum!r} is wrong: "
                f"{problem}",
                f"Correct it; the columns of a session are {', '.join(COLUMNS.names)}",
            )


def _refusal(asked: duckdb.DuckDBPyConnection, sessions: pa.Table, metric: Metric) -> str:
    """What speaks against the sum; "" for nothing."""
    import duckdb

    try:
        found = _selected(asked, sessions, {"found": _sql(metric), "of": "end_ts"})
    except duckdb.Error as error:
        return " ".join(str(error).split())[:200]
    is_condition = pa.types.is_boolean(found["found"].type)
    return "it is no condition" if metric.counts and not is_condition else ""


def _selected(asked: duckdb.DuckDBPyConnection, sessions: pa.Table, columns: Mapping[str, str]) -> pa.Table:
    asked.register("sessions", sessions)
    listed = ", ".join(f'{sql} AS "{name}"' for name, sql in columns.items())
    return asked.sql(f"SELECT {listed} FROM sessions").to_arrow_table()


def _sql(metric: Metric) -> str:
    if metric.counts:
        return f"coalesce(({metric.sum}), false)"
    whole = f"round(({metric.sum}) * {MICROS})" if metric.kind == "seconds" else f"trunc({metric.sum})"
    return f"coalesce(CAST({whole} AS BIGINT), 0)"
