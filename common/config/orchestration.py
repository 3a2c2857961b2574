"""Orchestration parameters: what the state machines need to know about a project."""

from __future__ import annotations

from dataclasses import dataclass, fields

from common.config.loader import s3_folder
from common.errors import ParameterError
from common.windows import GRID_OFFSET_SECONDS, WINDOW_SECONDS

PUBLICATION_TARGETS = ("lake", "s3", "redshift")
GRID_MINUTES = tuple((GRID_OFFSET_SECONDS + number * WINDOW_SECONDS) // 60 for number in range(3600 // WINDOW_SECONDS))
LEASE_MARGIN = 1.25
LEASE_EXTRA_SECONDS = 600
MOST_PARALLEL = 40


@dataclass(frozen=True)
class OrchestrationParameters:
    """The timeouts and locks of the state machines, and the location of the project's data.

    A lock is a lease; by default it outlasts all polls made under it by 25 % plus ten minutes.

    Raises:
        ParameterError: a value is out of range, or a lease is shorter than the polls made under it.
    """

    lake_uri: str
    """Lake: an s3:// or file:// URI, or an absolute path."""
    ingestion_prefix: str
    """Folder of the project's batches, s3://bucket/org1/org2."""
    poll_seconds: int = 30
    """Time between polls of a running pipeline."""
    features_poll_attempts: int = 120
    """Polls of the 15-minute pipeline before it is stopped as overdue."""
    inference_poll_attempts: int = 60
    """The same for inference."""
    join_poll_attempts: int = 60
    """The same for the join."""
    inventory_poll_attempts: int = 120
    """The same for the inventory."""
    fg_b_poll_attempts: int = 480
    """The same for the baselines."""
    training_poll_attempts: int = 960
    """The same for training."""
    extractor_poll_attempts: int = 120
    """The same for the extractor."""
    backfill_poll_attempts: int = 240
    """The same for each pipeline of a backfill."""
    lock_lease_seconds: int | None = None
    """Lease of the lock on a window; it is renewed before each pipeline starts."""
    publication_lock_lease_seconds: int | None = None
    """Lease of the lock on a publication."""
    duplicate_retention_seconds: int = 86_400
    """Without effect: a batch that is published is never processed again. Accepted for project files that have it."""
    backfill_parallelism: int = 4
    """Windows of a backfill that run at once, unless the request says otherwise; at most 40."""
    publication_target: str = "lake"
    """Where predictions are published: `lake`, `s3` or `redshift`."""
    window_floor_minutes: tuple[int, ...] = GRID_MINUTES
    """Minutes of the hour on which windows start; only those of the 15-minute grid."""
    training_days: int = 0
    """Days to train on; 0 stands for the three calendar months that end a month before the event."""
    training_gap_days: int = 30
    """Days between the end of the training range and the event that starts training."""

    def __post_init__(self) -> None:
        if not self.lake_uri.startswith(("s3://", "file://", "/")):
            raise ParameterError(
                f"orchestration parameter lake_uri is {self.lake_uri!r}",
                "Give an s3:// or file:// URI or an absolute path",
            )
        object.__setattr__(self, "ingestion_prefix", s3_folder(self.ingestion_prefix, "ingestion_prefix"))
        for entry in fields(self):
            if entry.name == "poll_seconds" or entry.name.endswith(("_attempts", "_parallelism", "retention_seconds")):
                self._at_least(entry.name, 1)
        self._at_least("training_days", 0)
        self._at_least("training_gap_days", 0)
        if self.backfill_parallelism > MOST_PARALLEL:
            raise ParameterError(
                f"orchestration parameter backfill_parallelism is {self.backfill_parallelism}",
                f"Give at most {MOST_PARALLEL}",
            )
        if self.publication_target not in PUBLICATION_TARGETS:
            raise ParameterError(
                f"orchestration parameter publication_target is {self.publication_target!r}",
                f"Give one of {', '.join(PUBLICATION_TARGETS)}",
            )
        if tuple(sorted(self.window_floor_minutes)) != GRID_MINUTES:
            raise ParameterError(
                f"orchestration parameter window_floor_minutes is {list(self.window_floor_minutes)}",
                f"Use the minutes of the grid, {list(GRID_MINUTES)}",
            )
        live = self.features_poll_attempts + self.inference_poll_attempts + self.join_poll_attempts
        self._lease("lock_lease_seconds", max(live, self.backfill_poll_attempts))
        self._lease("publication_lock_lease_seconds", self.join_poll_attempts)

    def _at_least(self, name: str, least: int) -> None:
        if (value := getattr(self, name)) < least:
            raise ParameterError(f"orchestration parameter {name} is {value}", f"Give {least} or more")

    def _lease(self, name: str, attempts: int) -> None:
        covered = attempts * self.poll_seconds
        value = getattr(self, name)
        if value is None:
            object.__setattr__(self, name, int(covered * LEASE_MARGIN) + LEASE_EXTRA_SECONDS)
        elif value < covered:
            raise ParameterError(
                f"orchestration parameter {name} is {value}, but the polls under this lock take {covered} s",
                f"Give at least {covered}, or leave it out",
            )
