"""Orchestration parameters: what the state machines need to know about a project."""

from __future__ import annotations

from math import ceil
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from common.budgets import STEP_SECONDS, UNDER_WINDOW_LOCK, budget_seconds
from common.config.loader import Settings
from common.config.values import BUCKET, AtLeastOne, Count, matching, without_last_slash, wrong
from common.windows import GRID_OFFSET_SECONDS, WINDOW_SECONDS, WINDOWS_PER_DAY

GRID_MINUTES = tuple((GRID_OFFSET_SECONDS + number * WINDOW_SECONDS) // 60 for number in range(3600 // WINDOW_SECONDS))
ATTEMPTS = "_poll_attempts"
LEASE_MARGIN = 1.25
LEASE_EXTRA_SECONDS = 600
MOST_PARALLEL = 40
MOST_WINDOWS = 100 * WINDOWS_PER_DAY
"""The most windows of one backfill. What its state machine knows of their ranges must fit into 256 KiB."""
OF_GRID = {
    "items": {"enum": list(GRID_MINUTES)},
    "minItems": len(GRID_MINUTES),
    "maxItems": len(GRID_MINUTES),
    "uniqueItems": True,
    "errorMessage": f"Give the minutes of the grid, {list(GRID_MINUTES)}",
}


def _of_grid(minutes: tuple[int, ...]) -> tuple[int, ...]:
    if tuple(sorted(minutes)) != GRID_MINUTES:
        raise ValueError("windows start on other minutes")
    return minutes


Polls = Annotated[AtLeastOne | None, Field(validate_default=True)]
GridMinutes = Annotated[tuple[int, ...], AfterValidator(_of_grid), Field(json_schema_extra=OF_GRID)]


class OrchestrationParameters(Settings):
    """The timeouts and locks of the state machines, and the location of the project's data.

    By default, a pipeline is polled for as long as its steps may start and run. A lock is a lease; by default it
    outlasts the polls until it is renewed by 25 % plus ten minutes.
    """

    lake_uri: Annotated[str, matching("(s3://|file://|/).+", "an s3:// or file:// URI or an absolute path")]
    """Lake: an s3:// or file:// URI, or an absolute path."""
    ingestion_prefix: Annotated[
        str,
        matching(rf"{BUCKET}(/[^/\s'\\]+){{2,}}/*", "a folder like s3://bucket/org1/org2"),
        AfterValidator(without_last_slash),
    ]
    """Folder of the project's batches, s3://bucket/org1/org2."""
    poll_seconds: AtLeastOne = 30
    """Time between polls of a running pipeline; of one that runs for long, a fifth of that time, up to 5 min."""
    features_poll_attempts: Polls = None
    """Polls of the 15-minute pipeline, this time apart, before it is stopped as overdue."""
    inference_poll_attempts: Polls = None
    """The same for inference."""
    join_poll_attempts: Polls = None
    """The same for the join."""
    inventory_poll_attempts: Polls = None
    """The same for the inventory."""
    fg_b_poll_attempts: Polls = None
    """The same for the baselines."""
    training_poll_attempts: Polls = None
    """The same for training."""
    extractor_poll_attempts: Polls = None
    """The same for the extractor."""
    backfill_poll_attempts: Polls = None
    """The same for each pipeline of a backfill."""
    handover_poll_attempts: Polls = None
    """The same for each of the page and the alerts."""
    lock_lease_seconds: Annotated[int | None, Field(validate_default=True)] = None
    """Lease of the lock on a window; it is renewed before each pipeline starts."""
    publication_lock_lease_seconds: Annotated[int | None, Field(validate_default=True)] = None
    """Lease of the lock on a publication."""
    duplicate_retention_seconds: AtLeastOne = 86_400
    """Without effect: a batch that is published is never processed again. Accepted for project files that have it."""
    runner: Literal["auto", "pipelines", "tasks"] = "auto"
    """What runs the jobs: `pipelines` of SageMaker, or `tasks` of ECS on Fargate, if the stack has them; `auto` is that
    of the stack."""
    backfill_parallelism: Annotated[int, Field(ge=1, le=MOST_PARALLEL)] = 4
    """Ranges of a backfill that run at once, unless the request says otherwise."""
    publication_target: Literal["lake", "s3", "redshift"] = "lake"
    """Where predictions are published: `lake`, `s3` or `redshift`."""
    page: bool = False
    """Whether the page is written to the bucket of artifacts after each published window."""
    alerts: bool = False
    """Whether cases are handed over to the channels in `settings.alerts` after each published window."""
    window_floor_minutes: GridMinutes = GRID_MINUTES
    """Minutes of the hour on which windows start; only those of the 15-minute grid."""
    training_days: Count = 0
    """Days to train on; 0 stands for the three calendar months that end a month before the event."""
    training_gap_days: Count = 30
    """Days between the end of the training range and the event that starts training."""

    @field_validator(*(f"{work}{ATTEMPTS}" for work in STEP_SECONDS))
    @classmethod
    def _of_budget(cls, attempts: int | None, info: ValidationInfo) -> int | None:
        """The attempts; by default, as many as the budget of the work takes."""
        pause: int | None = info.data.get("poll_seconds")
        if attempts is None and pause and info.field_name:
            return ceil(budget_seconds(info.field_name.removesuffix(ATTEMPTS)) / pause)
        return attempts

    @field_validator("lock_lease_seconds", "publication_lock_lease_seconds")
    @classmethod
    def _outlasting_polls(cls, lease: int | None, info: ValidationInfo) -> int | None:
        """The lease, which the polls under it do not outlast; by default, a good deal longer than they take."""
        works = UNDER_WINDOW_LOCK if info.field_name == "lock_lease_seconds" else ("join",)
        attempts = [info.data.get(f"{work}{ATTEMPTS}") for work in works]
        pause = info.data.get("poll_seconds")
        if pause is None or None in attempts:  # one of them is wrong, which is a problem of its own
            return lease
        covered: int = max(filter(None, attempts)) * pause
        if lease is None:
            return int(covered * LEASE_MARGIN) + LEASE_EXTRA_SECONDS
        if lease < covered:
            raise wrong(
                f"is {lease}, but the polls under this lock take {covered} s",
                f"Give at least {covered}, or leave it out",
            )
        return lease
