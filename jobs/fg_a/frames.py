"""What the kernel of FG-A is fed: one stream of rows per host, from slices and history."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.grid import WINDOW_MICROS, micros
from common.spec import FeatureSpec
from jobs.fg_a.timeline import Timeline

FEED_DDL = (
    "host_ip string, role string, peer_ip string, peer_port int, peer_segment_id string, segment_id string, "
    "bucket int, sessions_cnt long, bytes_sum long, past_days long, sums array<long>, durations double"
)
FEED_COLUMNS = tuple(entry.split()[0] for entry in FEED_DDL.split(", "))

BASE_SUMS = (
    "sessions_cnt",
    "allow_cnt",
    "deny_cnt",
    "alert_cnt",
    "rst_cnt",
    "aged_out_cnt",
    "zero_reply_cnt",
    "short_session_cnt",
    "bytes_src_sum",
    "bytes_dst_sum",
    "tcp_cnt",
    "udp_cnt",
    "icmp_cnt",
    "threat_cnt",
    "traffic_cnt",
)
PEAK = "max_sessions_per_minute"


def base_columns(spec: FeatureSpec) -> tuple[str, ...]:
    """The additive columns of `delta_host` that FG-A uses, but for durations."""
    return (*BASE_SUMS, *(f"{name}_port_sessions_cnt" for name in spec.port_sets))


def host_feed(slices: DataFrame, spec: FeatureSpec, timeline: Timeline) -> DataFrame:
    """Rows that carry the sums of a host, role and bucket; the peak comes last in `sums`."""
    names = base_columns(spec)
    bucketed = slices.withColumn("bucket", bucket_number(timeline))
    summed = bucketed.groupBy("host_ip", "role", "bucket").agg(
        F.max("segment_id").alias("segment_id"),
        *(F.sum(name).alias(name) for name in names),
        F.max(PEAK).alias(PEAK),
        F.sum("duration_sum").alias("durations"),
    )
    return _feed(summed.withColumn("sums", F.array(*names, PEAK)))


def pair_feed(slices: DataFrame, timeline: Timeline) -> DataFrame:
    """Rows that carry what a host and role had to do with a peer and port in a bucket."""
    several = timeline.n_buckets > 1
    summed = (
        slices.withColumn("bucket", bucket_number(timeline))
        .groupBy("host_ip", "role", "peer_ip", "peer_port", *(["bucket"] if several else []))
        .agg(
            F.max("peer_segment_id").alias("peer_segment_id"),
            F.sum("sessions_cnt").alias("sessions_cnt"),
            F.sum(F.col("bytes_src_sum") + F.col("bytes_dst_sum")).alias("bytes_sum"),
        )
    )
    return _feed(summed if several else summed.withColumn("bucket", F.lit(0)))


def history_feed(days: DataFrame, timeline: Timeline) -> DataFrame:
    """Rows that carry on which days before the first slice a host and role met a peer and port."""
    origin_micros = micros(timeline.history)[0]
    age = F.datediff(F.lit(f"{timeline.origin_date:%Y-%m-%d}").cast("date"), F.col("date").cast("date"))
    bit = F.pow(F.lit(2.0), age).cast("long")
    met = days.where(F.unix_micros("first_slice_ts") < origin_micros).withColumn("bit", bit)
    masks = met.groupBy("host_ip", "role", "peer_ip", "peer_port").agg(F.bit_or("bit").alias("past_days"))
    return _feed(masks)


def bucket_number(timeline: Timeline) -> Column:
    """The bucket of a slice, from its `window_start_ts`."""
    origin = micros(timeline.history)[0]
    number = F.floor((F.unix_micros("window_start_ts") - F.lit(origin)) / F.lit(WINDOW_MICROS)).cast("int")
    if timeline.n_buckets == len(timeline.history):
        return number
    inner = [int(edge) for edge in timeline.edges[1:-1]]
    bucket = F.lit(0)
    for edge in inner:
        bucket = bucket + F.when(number >= edge, 1).otherwise(0)
    return bucket


def _feed(frame: DataFrame) -> DataFrame:
    present = set(frame.columns)
    types = dict(entry.split() for entry in FEED_DDL.split(", "))
    return frame.select(
        *(F.col(name) if name in present else F.lit(None).cast(types[name]).alias(name) for name in FEED_COLUMNS)
    )
