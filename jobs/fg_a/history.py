"""The daily roll-up of pair slices, updated before it is read."""

from __future__ import annotations

from datetime import timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.lake.lake import equal_predicate
from common.runtime.context import StageRun
from jobs.fg_a.timeline import Timeline


def pair_history(stage: StageRun, timeline: Timeline) -> DataFrame | None:
    """The rows of `pair_days` for the history of novelty; None when there are none.

    Days that were never rolled up, or whose pair slices have been rewritten since, are rolled up first. A day whose
    slices were removed from the lake keeps its roll-up.
    """
    days = [f"{timeline.origin_date - timedelta(days=age):%Y-%m-%d}" for age in range(timeline.lookback_days + 1)]
    sources = stage.lake.digests("delta_pair", "date")
    known = {entry["date"]: entry["source_digest"] for entry in stage.lake.partitions("pair_days")}
    for day in sorted(days):
        digest = sources.get(day, "")
        if digest and known.get(day) != digest:
            with stage.report.step(f"pair_days {day}"):
                slices = stage.lake.read("delta_pair", where=equal_predicate({"date": day}))
                rolled = roll_up(slices, day, digest).select(*stage.lake.table("pair_days").column_names)
                version, rows = stage.lake.replace("pair_days", rolled, {"date": day})
            stage.report.wrote("pair_days", version, rows)
    if not stage.lake.exists("pair_days"):
        return None
    return stage.lake.read("pair_days", where=f"date >= '{min(days)}' AND date <= '{max(days)}'")


def roll_up(slices: DataFrame, day: str, digest: str) -> DataFrame:
    """One row per host, role, peer and service port of a day."""
    return (
        slices.groupBy("host_ip", "role", "peer_ip", "peer_port")
        .agg(
            F.sum("sessions_cnt").alias("sessions_cnt"),
            F.count_distinct("window_start_ts").alias("slices_cnt"),
            F.min("window_start_ts").alias("first_slice_ts"),
            F.max("window_start_ts").alias("last_slice_ts"),
        )
        .withColumn("source_digest", F.lit(digest))
        .withColumn("date", F.lit(day))
    )
