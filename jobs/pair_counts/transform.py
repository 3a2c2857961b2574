"""Pair slices to pair counts."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.addresses import is_internal
from common.config.project import ProjectParameters
from common.contracts.types import Table

CARRIED = ("segment_id", "window_end_ts", "date", "window")


def count_pairs(slices: DataFrame, project: ProjectParameters, table: Table, *, several: bool) -> DataFrame:
    """One row per source, destination, service port and window; each session counts once.

    A session between two internal hosts has a row in each role; the inbound row is ignored.

    Args:
        slices: rows of `delta_pair`.
        project: the internal addresses.
        table: the declaration of `pair_counts`.
        several: whether the slices cover more than one window; for one, the window is not a grouping key.
    """
    outbound = slices.where("role = 'outbound'").select(
        F.col("host_ip").alias("src_ip"), F.col("peer_ip").alias("dst_ip"), "segment_id", *_shared()
    )
    inbound = slices.where("role = 'inbound'").where(~is_internal(F.col("peer_ip"), project.internal_cidrs))
    from_outside = inbound.select(
        F.col("peer_ip").alias("src_ip"),
        F.col("host_ip").alias("dst_ip"),
        F.col("peer_segment_id").alias("segment_id"),
        *_shared(),
    )
    keys = ["src_ip", "dst_ip", "dst_port", *(["window_start_ts"] if several else [])]
    carried = [*CARRIED, *([] if several else ["window_start_ts"])]
    counted = (
        outbound.unionByName(from_outside)
        .groupBy(*keys)
        .agg(
            F.sum("sessions_cnt").alias("sessions_cnt"),
            F.max("last_end_ts").alias("event_ts"),
            *(F.max(name).alias(name) for name in carried),
        )
    )
    return counted.select(*table.column_names)


def _shared() -> tuple[Column | str, ...]:
    return (F.col("peer_port").alias("dst_port"), "sessions_cnt", "last_end_ts", "window_start_ts", *CARRIED[1:])
