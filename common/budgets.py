"""How long each work of the state machines may take: the one table that polls, leases and longest runs follow from."""

from __future__ import annotations

START_SECONDS = 600
"""For the start of a job: its instance, its image, and the pauses after a lack of capacity."""

STEP_SECONDS: dict[str, tuple[int, ...]] = {
    "features": (1200,) * 4,
    "inference": (1200,),
    "join": (1200,),
    "inventory": (3600,),
    "fg_b": (6 * 3600,),
    "training": (6 * 3600, 24 * 3600, *(6 * 3600,) * 5),
    "extractor": (3600,),
    "backfill": (6600,),
    "handover": (1200,),
}
"""The longest run of each step of a work, in order.

A window's features, predictions and join in one job have the time of a backfill, which is that of the four steps.
"""

REMEDIATION_SECONDS = STEP_SECONDS["training"][1] - START_SECONDS
"""For how long training waits for the windows that it lacks, in a step that does nothing else."""

UNDER_WINDOW_LOCK = ("features", "inference", "join", "backfill")
"""Works whose start renews the lease of a window."""


def budget_seconds(work: str) -> int:
    """The longest time from the start of a work to its end, with the starts of its jobs."""
    return sum(seconds + START_SECONDS for seconds in STEP_SECONDS[work])
