"""The rows of a snapshot: the last row of each key, the history of plans, and the plan in force at each event."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.c360_staging.plans import EVENT, INTERVALS, SNAPSHOT, history_of_part

PLACE = ("source_file", "source_line")
ORDER = ("business_date", "file_time", "row_hash", *PLACE)
"""Of the rows of a key the last one wins; rows that differ in their place only are the same."""
PARTS = 2
"""Of the customers, whose histories are made at once."""


def with_business_date(rows: DataFrame) -> DataFrame:
    """The rows of the clean zone with the day of their file, which is the folder that it is archived in."""
    return rows.withColumn("business_date", F.to_date(F.substring("source_file", 1, 10)))


def slice_of(rows: DataFrame, columns: Sequence[str], number: int, slices: int) -> DataFrame:
    """One of several slices of the rows: those with equal values in the columns are in one slice."""
    return rows if slices == 1 else with_slice(rows, columns, slices).where(F.col("slice") == number).drop("slice")


def with_slice(rows: DataFrame, columns: Sequence[str], slices: int) -> DataFrame:
    """The rows with the number of their slice."""
    return rows.withColumn("slice", F.pmod(F.xxhash64(*columns), F.lit(slices)))


def repeated(rows: DataFrame, key: Sequence[str]) -> DataFrame:
    """The `hash` of each key that several rows have, and how many (`rows`); some of them may only share the hash."""
    hashes = rows.select(F.xxhash64(*key).alias("hash"))
    return hashes.groupBy("hash").agg(F.count(F.lit(1)).alias("rows")).where("rows > 1")


def superseded(rows: DataFrame, key: Sequence[str], repeats: DataFrame, also: Sequence[str] = ()) -> DataFrame:
    """The key, the place and other columns of the rows that are not the last ones of their keys."""
    hashed = rows.select(*dict.fromkeys((*key, *ORDER, *also)), F.xxhash64(*key).alias("hash"))
    candidates = hashed.join(repeats.select("hash"), "hash", "left_semi")
    last_first = Window.partitionBy(*key).orderBy(*(F.desc(name) for name in ORDER))
    numbered = candidates.withColumn("number", F.row_number().over(last_first))
    return numbered.where("number > 1").select(*dict.fromkeys((*key, *PLACE, *also)))


def without(rows: DataFrame, dropped: DataFrame, key: Sequence[str]) -> DataFrame:
    """The rows that are not among the dropped ones."""
    return rows.join(dropped.select(*key, *PLACE), [*key, *PLACE], "left_anti")


def said_of_plans(customers: DataFrame, events: DataFrame) -> DataFrame:
    """The observations: a customer has a plan from a moment on, as a snapshot or a `plan_changed` event says."""
    snapshots = customers.select(
        "customer_id",
        F.col("business_date").cast("timestamp").alias("moment"),
        F.lit(SNAPSHOT).alias("source"),
        "plan_id",
        F.lit(None).cast("string").alias("old_plan_id"),
        "registration_date",
        F.lit(None).cast("date").alias("business_date"),
        F.lit(None).cast("timestamp").alias("file_time"),
        F.lit(None).cast("string").alias("row_hash"),
    )
    changes = events.where("event_type = 'plan_changed' AND new_plan_id IS NOT NULL").select(
        "customer_id",
        F.col("event_timestamp").alias("moment"),
        F.lit(EVENT).alias("source"),
        F.col("new_plan_id").alias("plan_id"),
        "old_plan_id",
        F.lit(None).cast("date").alias("registration_date"),
        "business_date",
        "file_time",
        "row_hash",
    )
    return snapshots.unionByName(changes)


def plan_history(said: DataFrame, snapshots: Sequence[date]) -> DataFrame:
    """The intervals of the customers of whom something is said, as `jobs.c360_staging.plans.intervals` makes them.

    Args:
        said: the observations.
        snapshots: the days of which there are snapshots, in ascending order.
    """
    return said.repartition(PARTS, "customer_id").mapInArrow(partial(history_of_part, tuple(snapshots)), INTERVALS)


def with_plans(events: DataFrame, history: DataFrame) -> DataFrame:
    """The events with the plan in force: before the first interval of the customer that of the first."""
    intervals = history.select(F.col("customer_id").alias("owner"), "plan_id", "valid_from", "valid_to", "is_first")
    moment = F.col("event_timestamp")
    is_in_force = (F.col("is_first") | (moment >= F.col("valid_from"))) & (
        F.col("valid_to").isNull() | (moment < F.col("valid_to"))
    )
    return events.join(intervals, (F.col("customer_id") == F.col("owner")) & is_in_force, "left").drop("owner")
