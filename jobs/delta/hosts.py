"""Host slices: what each internal host did in each window, by role."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.addresses import Segments, is_internal
from common.config.project import ProjectParameters
from common.contracts import QUANTILE_SOURCES, QUANTILES
from common.contracts.types import Table
from common.contracts.window_columns import window_columns
from common.features.spec import FeatureSpec
from common.windows import Windows

HOST_COLUMN = {"outbound": "src_ip", "inbound": "dst_ip"}
MICROS = 1_000_000
MINUTE_MICROS = 60 * MICROS


def denied(action: Column) -> Column:
    """Whether a rule stopped the session."""
    return (action == "deny") | action.startswith("drop") | action.startswith("reset")


def no_reply() -> Column:
    """Whether the responder sent nothing."""
    received = F.col("bytes_received")
    return (received == 0) | (received.isNull() & (F.col("packets_received") == 0))


def was_reset() -> Column:
    """Whether a TCP reset ended the session."""
    return F.col("session_end_reason").startswith("tcp-rst")


def session_sums(spec: FeatureSpec) -> dict[str, Column]:
    """The additive columns of a host slice by name; durations in microseconds, which add up exactly."""
    action, protocol = F.col("action"), F.col("protocol")
    traffic = F.col("event_type") == "TRAFFIC"
    counts = {
        "sessions_cnt": traffic,
        "allow_cnt": traffic & (action == "allow"),
        "deny_cnt": traffic & denied(action),
        "drop_cnt": traffic & action.startswith("drop"),
        "alert_cnt": action == "alert",
        "rst_cnt": traffic & was_reset(),
        "aged_out_cnt": traffic & (F.col("session_end_reason") == "aged-out"),
        "zero_reply_cnt": traffic & no_reply(),
        "short_session_cnt": traffic & (F.col("duration_s") < spec.short_session_seconds),
        "tcp_cnt": traffic & (protocol == "tcp"),
        "udp_cnt": traffic & (protocol == "udp"),
        "icmp_cnt": traffic & (protocol == "icmp"),
        "threat_cnt": F.col("event_type") == "THREAT",
        "traffic_cnt": traffic,
        **{
            f"{name}_port_sessions_cnt": traffic & F.col("dst_port").isin(list(ports))
            for name, ports in spec.port_sets.items()
        },
    }
    totals = {
        "bytes_src_sum": F.col("bytes_sent"),
        "bytes_dst_sum": F.col("bytes_received"),
        "packets_src_sum": F.col("packets_sent"),
        "packets_dst_sum": F.col("packets_received"),
        "duration_micros": duration_micros(),
    }
    return {name: F.when(condition, F.col("repeat_count")) for name, condition in counts.items()} | {
        name: F.when(traffic, column) for name, column in totals.items()
    }


def duration_micros() -> Column:
    """The length of a session in whole microseconds."""
    return F.round(F.col("duration_s") * MICROS).cast("long")


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
    return by_role[0].unionByName(by_role[1]).mapInArrow(finisher(project, windows, table), table.ddl)


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
    project: ProjectParameters, windows: Windows, table: Table
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """A function from aggregated batches to rows of `delta_host`: adds segments, windows and quantiles."""
    segment_names = dict(project.segments)
    schema = table.arrow

    def finish(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        segments = Segments(segment_names)
        for batch in batches:
            if not batch.num_rows:
                continue
            columns = {name: batch.column(name) for name in batch.schema.names}
            columns["segment_id"] = segments.names(columns["host_ip"])
            columns["duration_sum"] = pa.array(columns["duration_micros"].to_numpy() / MICROS)
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


def list_quantiles(lists: pa.ListArray, shares: Sequence[float]) -> NDArray[np.float64]:
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
    found: NDArray[np.float64] = ordered[low] + (ordered[high] - ordered[low]) * (position - below)
    found[lengths == 0] = np.nan
    return found
