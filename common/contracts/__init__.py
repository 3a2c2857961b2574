"""The tables of the lake, each declared once: columns, units, grain and partitions.

What windows make is partitioned by date alone. Each window is a file at first, and the log knows the windows of each
file; those of a day that is over can be put together to one file.
"""

from __future__ import annotations

from functools import cache

from common.contracts.baselines import FG_B_PUBLICATIONS, IP_METADATA, MACHINE_INVENTORY, baseline, pair_baseline
from common.contracts.columns import BASELINE_PARTITION_NAMES, HOST, PARTITIONS, PUBLISHED_PARTITION_NAMES, SEGMENT
from common.contracts.features import fg_a, fg_c
from common.contracts.log_volume import LOG_VOLUME
from common.contracts.models import MODEL_DECISIONS, MODEL_DRIFT
from common.contracts.open_sessions import OPEN_SESSIONS
from common.contracts.predictions import PREDICTIONS, join_features, prediction_join
from common.contracts.privacy import PRIVACY_LOG
from common.contracts.slices import (
    DELTA_PAIR,
    PAIR_COUNTS,
    PAIR_DAYS,
    QUANTILE_SOURCES,
    QUANTILES,
    SESSION_KEYS,
    SESSIONS,
    SESSIONS_REJECTED,
    delta_host,
)
from common.contracts.triage import ALLOW_LISTS, CALENDARS, HANDOVERS, INDICATORS, TRIAGE
from common.contracts.types import Column, Table
from common.contracts.window_status import WINDOW_STATUS
from common.features.spec import FeatureSpec

__all__ = [
    "BASELINE_PARTITION_NAMES",
    "PARTITIONS",
    "PUBLISHED_PARTITION_NAMES",
    "QUANTILES",
    "QUANTILE_SOURCES",
    "join_features",
    "tables",
]


@cache
def tables(spec: FeatureSpec) -> dict[str, Table]:
    """All tables of the lake by name, for that feature specification."""
    host_subject = (HOST, SEGMENT)
    declared = (
        SESSIONS_REJECTED,
        SESSION_KEYS,
        SESSIONS,
        OPEN_SESSIONS,
        LOG_VOLUME,
        delta_host(spec),
        DELTA_PAIR,
        PAIR_DAYS,
        PAIR_COUNTS,
        fg_a(spec),
        baseline(spec, "fg_b/host", host_subject, "host and segment"),
        baseline(spec, "fg_b/segment", (SEGMENT,), "segment"),
        IP_METADATA,
        pair_baseline("fg_b/pair/host", Column("src_ip", "string", "initiator"), "source"),
        pair_baseline("fg_b/pair/segment", SEGMENT, "segment"),
        FG_B_PUBLICATIONS,
        fg_c(spec),
        MACHINE_INVENTORY,
        PREDICTIONS,
        prediction_join(spec),
        WINDOW_STATUS,
        MODEL_DECISIONS,
        MODEL_DRIFT,
        TRIAGE,
        HANDOVERS,
        PRIVACY_LOG,
        INDICATORS,
        ALLOW_LISTS,
        CALENDARS,
    )
    return {table.name: table for table in declared}
