"""The feed of the FG-A kernel: rows from slices and history, in one layout.

Role, bucket and service port share one integer, `place`, because grouping by text or by many columns is expensive.
"""

from __future__ import annotations

from datetime import timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.contracts.window_columns import WINDOW_MICROS, micros
from common.features.spec import FeatureSpec
from common.windows import WINDOW
from jobs.fg_a.timeline import ROLES, Timeline

FEED_DDL = (
    "host_ip string, place int, peer_ip string, peer_segment_id string, segment_id string, "
    "sessions_cnt long, bytes_sum long, past_days long, counts array<long>, seconds array<double>"
)
FEED_COLUMNS = tuple(entry.split()[0] for entry in FEED_DDL.split(", "))

PEAK = "max_sessions_per_minute"


def counted_columns(spec: FeatureSpec) -> tuple[str, ...]:
    """The columns of `delta_host` that add up as whole numbers to a metric."""
    return tuple(metric.name for metric in spec.sums if metric.feature and metric.kind != "seconds")


def timed_columns(spec: FeatureSpec) -> tuple[str, ...]:
    """The columns of `delta_host` that add up as seconds to a metric."""
    return tuple(metric.name for metric in spec.sums if metric.feature and metric.kind == "seconds")


def host_feed(slices: DataFrame, spec: FeatureSpec, timeline: Timeline) -> DataFrame:
    """One row per host, role and bucket with its sums; the peak comes last in `counts`."""
    counted, timed = counted_columns(spec), timed_columns(spec)
    placed = slices.select("*", place(timeline, bucket_number(timeline), F.lit(0)))
    summed = placed.groupBy("host_ip", "place").agg(
        F.max("segment_id").alias("segment_id"),
        *(F.sum(name).alias(name) for name in (*counted, *timed)),
        F.max(PEAK).alias(PEAK),
    )
    arrays = summed.withColumn("counts", F.array(*counted, PEAK)).withColumn("seconds", F.array(*timed))
    return _feed(arrays)


def pair_feed(slices: DataFrame, timeline: Timeline) -> DataFrame:
    """One row per host, role, peer, port and bucket, with sessions and bytes."""
    placed = slices.select("*", place(timeline, bucket_number(timeline), F.col("peer_port")))
    summed = placed.groupBy("host_ip", "peer_ip", "peer_segment_id", "place").agg(
        F.sum("sessions_cnt").alias("sessions_cnt"),
        F.sum(F.col("bytes_src_sum") + F.col("bytes_dst_sum")).alias("bytes_sum"),
    )
    return _feed(summed)


def history_feed(days: DataFrame, timeline: Timeline) -> DataFrame:
    """One row per host, role, peer and port, with the days before the first slice on which they had a session.

    Bit i of `past_days` stands for the day `lookback_days` - i days before the date of the first slice.
    """
    bit = F.lit(None).cast("long")
    for number in range(timeline.lookback_days + 1):
        day = timeline.origin_date - timedelta(days=timeline.lookback_days - number)
        bit = F.when(F.col("date") == f"{day:%Y-%m-%d}", F.lit(1 << number).cast("long")).otherwise(bit)
    met = days.where(F.unix_micros("first_slice_ts") < micros(timeline.history)[0])
    placed = met.select("*", place(timeline, F.lit(0), F.col("peer_port")), bit.alias("bit"))
    return _feed(placed.groupBy("host_ip", "peer_ip", "place").agg(F.bit_or("bit").alias("past_days")))


def place(timeline: Timeline, bucket: Column, port: Column) -> Column:
    """The column `place`: port, bucket and role in one integer."""
    role = F.when(F.col("role") == ROLES[0], 0).otherwise(1)
    return ((port * timeline.n_buckets + bucket) * len(ROLES) + role).cast("int").alias("place")


def bucket_number(timeline: Timeline) -> Column:
    """The bucket of a slice, from its `window_start_ts`."""
    origin = micros(timeline.history)[0]
    if timeline.n_buckets == len(timeline.history):
        return F.floor((F.unix_micros("window_start_ts") - F.lit(origin)) / F.lit(WINDOW_MICROS)).cast("int")
    bucket = F.lit(0)
    for edge in timeline.edges[1:-1]:
        first = F.lit(timeline.history.start + int(edge) * WINDOW)
        bucket = bucket + F.when(F.col("window_start_ts") >= first, 1).otherwise(0)
    return bucket


def _feed(frame: DataFrame) -> DataFrame:
    present = set(frame.columns)
    types = dict(entry.split() for entry in FEED_DDL.split(", "))
    return frame.select(
        *(F.col(name) if name in present else F.lit(None).cast(types[name]).alias(name) for name in FEED_COLUMNS)
    )
