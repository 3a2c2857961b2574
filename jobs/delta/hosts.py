"""Host slices: what each internal host did in each window, by role."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from common.addresses import Segments, is_internal
from common.arrays import Floats
from common.config.project import ProjectParameters
from common.contracts import QUANTILE_SOURCES, QUANTILES
from common.contracts.session import SESSION_COLUMNS
from common.contracts.types import Table, ddl
from common.contracts.window_columns import window_columns
from common.errors import SpecError
from common.features.spec import FeatureSpec, Metric
from common.windows import Windows

HOST_COLUMN = {"outbound": "src_ip", "inbound": "dst_ip"}
MICROS = 1_000_000
MINUTE_MICROS = 60 * MICROS


def holds(spec: FeatureSpec, name: str) -> Column:
    """Whether a session is one of those that the named count adds up."""
    return F.expr(next(metric.sum for metric in spec.sums if metric.name == name))


def session_sums(spec: FeatureSpec) -> dict[str, Column]:
    """What each additive column of a host slice adds up, by name; seconds in microseconds, so that sums are exact."""
    return {metric.name: _added(metric) for metric in spec.sums}


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
        _ = empty.agg(*(F.sum(_added(metric)).alias(metric.name) for metric in metrics)).schema
    except PySparkException as error:
        return " ".join(str(error).split())[:200]
    return ""


def _added(metric: Metric) -> Column:
    traffic = F.col("event_type") == "TRAFFIC"
    value = F.expr(metric.sum)
    if metric.counts:
        return F.when(traffic & value if metric.records == "traffic" else value, F.col("repeat_count"))
    value = in_micros(value) if metric.kind == "seconds" else value
    return F.when(traffic, value) if metric.records == "traffic" else value


def in_micros(seconds: Column) -> Column:
    """Seconds as whole microseconds."""
    return F.round(seconds * MICROS).cast("long")


def host_slices(
    sessions: DataFrame, spec: FeatureSpec, project: ProjectParameters, windows: Windows, table: Table
) -> DataFrame:
    """One row per host, role and window, as `delta_host` declares it.

    Args:
        sessions: kept sessions with a `slice` number.
        spec: the feature specification.
        project: the internal addresses and the segment names.
        windows: the windows that slice numbers refer to.
        table: the declaration of `delta_host`.
    """
    by_role = [
        _of_role(sessions.where(is_internal(F.col(column), project.internal_cidrs)), role, column, spec, len(windows))
        for role, column in HOST_COLUMN.items()
    ]
    return by_role[0].unionByName(by_role[1]).mapInArrow(finisher(spec, project, windows, table), table.ddl)


def _of_role(sessions: DataFrame, role: str, column: str, spec: FeatureSpec, length: int) -> DataFrame:
    sums = session_sums(spec)
    keys = ["host_ip", "slice"] if length > 1 else ["host_ip"]
    named = sessions.withColumn("host_ip", F.col(column))
    values = {
        name: F.when(F.col("event_type") == "TRAFFIC", F.col(column)) for name, column in QUANTILE_SOURCES.items()
    }
    totals = named.groupBy(*keys).agg(
        *(F.coalesce(F.sum(value), F.lit(0)).alias(name) for name, value in sums.items()),
        *(F.collect_list(value.cast("double")).alias(name) for name, value in values.items()),
    )
    minute = F.floor(F.unix_micros("end_ts") / F.lit(MINUTE_MICROS)).alias("minute")
    by_minute = named.groupBy(*keys, minute).agg(F.sum(sums["sessions_cnt"]).alias("sessions"))
    busiest = by_minute.groupBy(*keys).agg(F.coalesce(F.max("sessions"), F.lit(0)).alias("max_sessions_per_minute"))
    joined = totals.join(busiest, on=keys, how="inner").withColumn("role", F.lit(role))
    return joined if length > 1 else joined.withColumn("slice", F.lit(0))


def finisher(
    spec: FeatureSpec, project: ProjectParameters, windows: Windows, table: Table
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """A function from aggregated batches to rows of `delta_host`: adds segments, windows and quantiles."""
    segment_names = dict(project.segments)
    timed = [metric.name for metric in spec.sums if metric.kind == "seconds"]
    schema = table.arrow

    def finish(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        segments = Segments(segment_names)
        for batch in batches:
            if not batch.num_rows:
                continue
            columns = {name: batch.column(name) for name in batch.schema.names}
            columns["segment_id"] = segments.names(columns["host_ip"])
            columns |= {name: pa.array(columns[name].to_numpy() / MICROS) for name in timed}
            for source in QUANTILE_SOURCES:
                columns |= _quantile_columns(source, columns[source])
            columns |= window_columns(columns["slice"].to_numpy(), windows)
            yield pa.RecordBatch.from_arrays(
                [columns[name].cast(schema.field(name).type) for name in schema.names], schema=schema
            )

    return finish


def _quantile_columns(source: str, lists: pa.ListArray) -> dict[str, pa.Array]:
    """One column per quantile of each list of values; null where a list is null or empty."""
    found = list_quantiles(lists, list(QUANTILES.values()))
    return {
        f"{source}_{name}": pa.array(found[:, number], mask=np.isnan(found[:, number]))
        for number, name in enumerate(QUANTILES)
    }


def list_quantiles(lists: pa.ListArray, shares: Sequence[float]) -> Floats:
    """The linearly interpolated quantiles of each list, `(n_lists, n_shares)`; NaN where a list is null or empty.

    Four times as fast as the engine's percentile over 10 million values.
    """
    lengths = lists.value_lengths().fill_null(0).to_numpy()
    flat = lists.flatten().to_numpy()
    bounds = np.concatenate(([0], np.cumsum(lengths)))
    ordered = flat.copy()
    for begin, end in pairwise(bounds):
        ordered[begin:end].sort()
    if not len(ordered):
        return np.full((len(lengths), len(shares)), np.nan)
    position = np.maximum(lengths - 1, 0)[:, None] * np.asarray(shares)
    below = np.floor(position).astype(np.int64)
    low = np.minimum(bounds[:-1, None] + below, len(ordered) - 1)
    high = np.minimum(low + 1, np.maximum(bounds[1:, None] - 1, 0))
    found: Floats = ordered[low] + (ordered[high] - ordered[low]) * (position - below)
    found[lengths == 0] = np.nan
    return found
