"""Runs the feature stages in one engine session."""

from __future__ import annotations

from common.errors import NdrError, StageError
from common.runtime.context import open_stages
from jobs.delta.job import run as run_delta
from jobs.fg_a.job import run as run_fg_a
from jobs.fg_c.job import run as run_fg_c
from jobs.pair_counts.job import run as run_pair_counts
from jobs.streaming_15m.config import StreamingConfig


def run(config: StreamingConfig) -> None:
    """Replaces the windows in the tables of the stages from the first one on, and prints the run report of each.

    Raises:
        StageError: a stage failed; later ones did not run.
    """
    stages = [
        ("ndr-delta", config.delta, run_delta),
        ("ndr-fg-a", config.features, run_fg_a),
        ("ndr-pair-counts", config.features, run_pair_counts),
        ("ndr-fg-c", config.deviations, run_fg_c),
    ]
    first = [name for name, *_ in stages].index(f"ndr-{config.first}")
    with open_stages(config, together=True) as start:
        for name, own, work in stages[first:]:
            try:
                start(name, own, work)
            except NdrError as error:
                raise StageError(f"{name}: {error.problem}", error.remedy) from error
