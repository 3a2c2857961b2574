"""The table that says of which run each window's tables are."""

from __future__ import annotations

from common.contracts.columns import INCOMPLETE, PARTITIONS
from common.contracts.types import Column, Table

WINDOW_STATUS = Table(
    "window_status",
    "one row per window and stage that worked on it: written before the stage's first commit and after its last",
    (
        Column("stage", "string", "delta, fg_a, pair_counts, fg_c or inference"),
        Column("revision", "string", "the run of the stage that wrote, or began to write, the window"),
        Column(
            "derived_from",
            "string",
            "revisions of the stages whose tables it read, separated by spaces; empty for delta",
        ),
        Column("is_finished", "boolean", "whether the run committed all its tables"),
        INCOMPLETE,
        Column("written_ts", "timestamp", "time of the last change", "UTC"),
        *PARTITIONS,
    ),
    ("date",),
    ("window", "stage"),
)
