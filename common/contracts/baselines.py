"""Tables of baselines, and the machine inventory that they use."""

from __future__ import annotations

from common.contracts.columns import (
    BASELINE_PARTITION_NAMES,
    BASELINE_PARTITIONS,
    HOST,
    PUBLICATION,
    PUBLISHED_PARTITION_NAMES,
    PUBLISHED_PARTITIONS,
    REFERENCE,
    ROLE,
    SEGMENT,
    TIME_BAND,
)
from common.contracts.types import Column, Table
from common.features.spec import FeatureSpec


def _statistics(spec: FeatureSpec) -> tuple[Column, ...]:
    types = {"support_count": "long", "cold_start_flag": "boolean"}
    return tuple(
        Column(
            f"{metric.name}_{name}",
            types.get(name, "double"),
            f"{statistic.meaning}: {metric.meaning}",
            statistic.unit or metric.unit,
            statistic.null_when,
        )
        for metric in spec.metrics
        for name, statistic in spec.statistics.items()
    )


def baseline(spec: FeatureSpec, name: str, subject: tuple[Column, ...], what: str) -> Table:
    """The table of the statistics of hosts or segments."""
    grain = (*subject, ROLE, TIME_BAND, Column("window_label", "string", "name of the look-back"))
    outliers = Column("outlier_count", "long", "windows left out as outliers of their segment")
    return Table(
        name,
        f"one row per {what}, role, time band, window label, horizon, month and publication",
        (*grain, *_statistics(spec), outliers, REFERENCE, *PUBLISHED_PARTITIONS),
        PUBLISHED_PARTITION_NAMES,
        (*(column.name for column in grain), *PUBLISHED_PARTITION_NAMES),
    )


IP_METADATA = Table(
    "fg_b/ip_metadata",
    "one row per host, horizon, month and publication",
    (
        HOST,
        SEGMENT,
        Column("machine_name", "string", "name in the machine inventory", null_when="the host is not in the inventory"),
        Column("windows_count", "long", "windows with activity in the horizon"),
        Column("is_full_history", "boolean", "active on every day of the horizon"),
        Column("is_non_persistent_machine", "boolean", "its machine name has a non-persistent prefix"),
        Column("is_cold_start", "boolean", "fewer windows than support_min"),
        REFERENCE,
        *PUBLISHED_PARTITIONS,
    ),
    PUBLISHED_PARTITION_NAMES,
    ("host_ip", *PUBLISHED_PARTITION_NAMES),
)


def pair_baseline(name: str, subject: Column, what: str) -> Table:
    """The table that counts how often the pairs of a source or a segment were seen."""
    grain = (
        subject,
        Column("dst_ip", "string", "responder"),
        Column("dst_port", "int", "service port"),
    )
    return Table(
        name,
        f"one row per {what}, destination, service port, horizon, month and publication",
        (
            *grain,
            Column("pair_seen_count", "long", "sessions in the horizon"),
            Column("pair_last_seen_ts", "timestamp", "end of the last session", "UTC"),
            Column("active_days", "long", "UTC dates with a session", "days"),
            Column("pair_daily_avg", "double", "sessions per day of the horizon", "1/day"),
            Column("pair_rarity_score", "double", "1 / (1 + pair_seen_count)"),
            Column("is_new_pair_flag", "boolean", "seen on the last date of the horizon only"),
            Column("is_rare_pair_flag", "boolean", "seen on fewer than rare_pair_days dates"),
            REFERENCE,
            *PUBLISHED_PARTITIONS,
        ),
        PUBLISHED_PARTITION_NAMES,
        (*(column.name for column in grain), *PUBLISHED_PARTITION_NAMES),
    )


FG_B_PUBLICATIONS = Table(
    "fg_b/publications",
    "one row per horizon and month with published baselines, written last: the publication whose rows in the five "
    "tables hold",
    (
        PUBLICATION,
        Column(
            "previous_publication_id",
            "string",
            "publication before, kept for those who still read it",
            null_when="it is the first",
        ),
        Column("rows_host", "long", "rows of fg_b/host"),
        Column("rows_segment", "long", "rows of fg_b/segment"),
        Column("rows_ip_metadata", "long", "rows of fg_b/ip_metadata"),
        Column("rows_pair_host", "long", "rows of fg_b/pair/host"),
        Column("rows_pair_segment", "long", "rows of fg_b/pair/segment"),
        Column("history_start_ts", "timestamp", "start of the first window used", "UTC"),
        Column("history_end_ts", "timestamp", "end of the last window used", "UTC"),
        REFERENCE,
        *BASELINE_PARTITIONS,
    ),
    BASELINE_PARTITION_NAMES,
    BASELINE_PARTITION_NAMES,
)


CRITICALITIES = ("critical", "high", "medium", "low")
"""How much depends on a machine, the most first."""

MACHINE_INVENTORY = Table(
    "machine_inventory",
    "one row per machine and month",
    (
        HOST,
        Column("machine_name", "string", "name of the machine"),
        Column("is_active", "boolean", "whether the machine is in use"),
        Column("owner", "string", "who is responsible for it", null_when="the inventory does not say"),
        Column("role", "string", "what it is there for", null_when="the inventory does not say"),
        Column(
            "criticality", "string", "critical, high, medium or low", null_when="the inventory has none of these words"
        ),
        Column("snapshot_month", "string", "month of the snapshot, YYYY-MM"),
    ),
    ("snapshot_month",),
    ("host_ip", "snapshot_month"),
)
