"""Baselines that the engine computes: pairs and host metadata."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from common.features.spec import Horizon

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

PAIR_SUBJECTS = {"fg_b/pair/host": "src_ip", "fg_b/pair/segment": "segment_id"}


def pair_baseline(counts: DataFrame, subject: str, horizon: Horizon, last_day: date, rare_days: int) -> DataFrame:
    """How often each subject used each destination and port, from the rows of `pair_counts` in the horizon."""
    seen = counts.groupBy(subject, "dst_ip", "dst_port").agg(
        F.sum("sessions_cnt").alias("pair_seen_count"),
        F.max("event_ts").alias("pair_last_seen_ts"),
        F.countDistinct("date").alias("active_days"),
        F.min("date").alias("first_date"),
    )
    return seen.select(
        subject,
        "dst_ip",
        "dst_port",
        "pair_seen_count",
        "pair_last_seen_ts",
        "active_days",
        (F.col("pair_seen_count") / F.lit(float(horizon.days))).alias("pair_daily_avg"),
        (F.lit(1.0) / (F.col("pair_seen_count") + 1)).alias("pair_rarity_score"),
        (F.col("first_date") == F.lit(last_day.isoformat())).alias("is_new_pair_flag"),
        (F.col("active_days") < rare_days).alias("is_rare_pair_flag"),
    )


def ip_metadata(
    rows: DataFrame, inventory: DataFrame, days: int, support_min: int, non_persistent_prefixes: Sequence[str]
) -> DataFrame:
    """One row for each host with FG-A rows in the horizon, whose windows start on `days` UTC dates.

    `inventory` has one `machine_name` per `host_ip`. A host that changed its segment has the one of its last row.
    """
    hosts = rows.groupBy("host_ip").agg(
        F.max_by("segment_id", "window_start_ts").alias("segment_id"),
        F.count("*").alias("windows_count"),
        F.countDistinct("date").alias("active_days"),
    )
    name = F.col("machine_name")
    return hosts.join(inventory, "host_ip", "left").select(
        "host_ip",
        "segment_id",
        "machine_name",
        "windows_count",
        (F.col("active_days") == days).alias("is_full_history"),
        F.coalesce(_has_prefix(name, non_persistent_prefixes), F.lit(False)).alias("is_non_persistent_machine"),
        (F.col("windows_count") < support_min).alias("is_cold_start"),
    )


def _has_prefix(name: Column, prefixes: Sequence[str]) -> Column:
    found = F.lit(False)
    for prefix in prefixes:
        found = found | F.lower(name).startswith(prefix.lower())
    return found


def published(frame: DataFrame, partition: dict[str, str], reference: datetime) -> DataFrame:
    """The rows with their reference time and partition columns."""
    frame = frame.withColumn("reference_ts", F.lit(reference))
    for name, value in partition.items():
        frame = frame.withColumn(name, F.lit(value))
    return frame
