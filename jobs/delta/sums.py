"""The sums of the specification: SQL over the columns of a session, which the engine evaluates."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from common.contracts.session import SESSION_COLUMNS
from common.contracts.types import ddl
from common.errors import SpecError
from common.features.spec import FeatureSpec, Metric

MICROS = 1_000_000


def values_of(metrics: Sequence[Metric]) -> list[Column]:
    """What each record has for the sums, by name: of a count whether it is one of those counted, of others the value.

    Null stands for false and 0. Seconds are whole microseconds, so that sums are exact.
    """
    return [_value(metric).alias(metric.name) for metric in metrics]


def check_sums(session: SparkSession, spec: FeatureSpec) -> None:
    """Checks that the engine understands every sum of the specification.

    Raises:
        SpecError: it does not; the message names the metric.
    """
    empty = session.createDataFrame([], ddl(SESSION_COLUMNS))
    if _refusal(empty, spec.sums):
        for metric in spec.sums:
            if problem := _refusal(empty, [metric]):
                raise SpecError(
                    f"common/features/{spec.version}.yaml, metric {metric.name}: the sum {metric.sum!r} is wrong: "
                    f"{problem}",
                    f"Correct it; the columns of a session are {', '.join(column.name for column in SESSION_COLUMNS)}",
                )


def _refusal(empty: DataFrame, metrics: Sequence[Metric]) -> str:
    """What the engine has against the sums; "" for nothing."""
    try:
        _ = empty.select(*values_of(metrics)).schema
    except PySparkException as error:
        return " ".join(str(error).split())[:200]
    return ""


def _value(metric: Metric) -> Column:
    value = F.expr(metric.sum)
    if metric.counts:
        return value
    return (F.round(value * MICROS) if metric.kind == "seconds" else value).cast("long")
