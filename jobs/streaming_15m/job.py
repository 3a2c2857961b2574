"""Runs the stages of a window in one engine session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from common.errors import NdrError, ScoringError, StageError
from common.runtime.context import StageRun, open_stages
from jobs.delta.job import run as run_delta
from jobs.fg_a.job import run as run_fg_a
from jobs.fg_c.job import run as run_fg_c
from jobs.inference.config import InferenceConfig
from jobs.inference.job import run as run_inference
from jobs.join.job import run_staged
from jobs.pair_counts.job import run as run_pair_counts
from jobs.streaming_15m.config import StreamingConfig

SCORING = ("ndr-inference", "ndr-join")


def run(config: StreamingConfig) -> None:
    """Replaces the windows in the tables of the stages from the first to the last, and prints the run report of each.

    The join is staged under the mini-batch's id, for `ndr-join --staged`.

    Raises:
        ScoringError: the inference or the join failed, after the features were made.
        StageError: another stage failed; later ones did not run.
    """
    stages: list[tuple[str, Any, Callable[[Any, StageRun], None]]] = [
        ("ndr-delta", config.delta, run_delta),
        ("ndr-fg-a", config.features, run_fg_a),
        ("ndr-pair-counts", config.features, run_pair_counts),
        ("ndr-fg-c", config.deviations, run_fg_c),
        ("ndr-inference", config.scoring, _scored),
        ("ndr-join", config.joining, run_staged),
    ]
    names = [name for name, *_ in stages]
    first, last = (names.index(f"ndr-{name}") for name in (config.first, config.last))
    with open_stages(config, together=True) as start:
        for name, own, work in stages[first : last + 1]:
            try:
                start(name, own, work)
            except NdrError as error:
                kind = ScoringError if name in SCORING else StageError
                raise kind(f"{name}: {error.problem}", error.remedy) from error


def _scored(config: InferenceConfig, stage: StageRun) -> None:
    """Scores the windows, once it is noted that their features are whole."""
    stage.lake.journal.settle()
    run_inference(config, stage)
