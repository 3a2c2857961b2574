"""The jobs as a model: which tables a command writes for a window, in which order, from what; each write is one commit.

`test_jobs.py` holds it against the real commands, killed before and after each of their commits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.catalog import PIPELINES

WRITES: Mapping[str, tuple[str, ...]] = {
    "ndr-delta": ("sessions_rejected", "delta_pair", "delta_host"),
    "ndr-fg-a": ("fg_a",),
    "ndr-pair-counts": ("pair_counts",),
    "ndr-fg-c": ("fg_c",),
    "ndr-inference": ("predictions",),
    "ndr-join": ("prediction_join",),
}
"""The tables of each command, in the order of their commits."""

FUSED = ("ndr-delta", "ndr-fg-a", "ndr-pair-counts", "ndr-fg-c")
"""The commands that `ndr-15m` runs in one process."""

READS: Mapping[str, tuple[str, ...]] = {
    "fg_a": ("delta_host", "delta_pair"),
    "pair_counts": ("delta_pair",),
    "fg_c": ("fg_a", "pair_counts"),
    "predictions": ("fg_a", "fg_c"),
    "prediction_join": ("predictions", "fg_a", "fg_c"),
}
"""What the rows of a table are made of: its rows are those of the first table, with features of the others."""

MATCHED = {"predictions": ("fg_c",), "prediction_join": ("fg_a", "fg_c")}
"""The tables that must have a row for each row of the first one that is read, or the job fails."""

FEATURES = ("delta_pair", "delta_host", "fg_a", "pair_counts", "fg_c")
SCORES = ("predictions", "prediction_join")


@dataclass(frozen=True)
class Content:
    """What a table holds of a window: the batches whose rows it has, and the runs of the delta job they come from."""

    batches: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()


NONE = Content()
Lake = dict[tuple[str, str], Content]
"""Content by window and table."""


class JobError(Exception):
    """The job ends with an error before this commit."""


def steps_of(pipeline: str, first_stage: str = "delta") -> list[tuple[str, str, str]]:
    """The commits of a pipeline in order: step, command, table."""
    later = FUSED[FUSED.index(f"ndr-{first_stage}") :]
    return [
        (step.name, command, table)
        for step in PIPELINES[pipeline].steps
        for command in (later if step.command == "ndr-15m" else (step.command,))
        for table in WRITES.get(command, ())
    ]


def commit(lake: Lake, window: str, table: str, given: frozenset[str], run: str) -> Content:
    """What a job writes: the batches it was given, or what follows from the tables that it reads.

    Raises:
        JobError: a table that it reads lacks rows.
    """
    if table not in READS:
        return Content(given, frozenset([run]))
    first, *others = (lake.get((window, name), NONE) for name in READS[table])
    if not first.batches and table != "pair_counts":
        raise JobError(f"{READS[table][0]} has no rows in {window}")
    for name in MATCHED.get(table, ()):
        if not first.batches <= lake.get((window, name), NONE).batches:
            raise JobError(f"rows of {READS[table][0]} have no counterpart in {name}")
    return Content(first.batches, first.origins.union(*[other.origins for other in others]))
