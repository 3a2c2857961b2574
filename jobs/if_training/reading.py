"""The rows to train on, bounded in number, in the order of time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from common.arrays import Integers, Matrix
from common.detection.input_matrix import read_rows
from common.detection.inputs import model_features
from common.errors import InputError
from jobs.if_training.lifecycle import TrainingRun
from jobs.if_training.synthetic_anomalies import drawn_rows


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """Rows of the model input in the order of window and host; `ends` holds the end of each row's window, in µs.

    `found` counts the rows of the range, of which these were drawn.
    """

    values: Matrix
    ends: Integers
    found: int

    def cuts(self, parts: int) -> list[int]:
        """The row numbers that bound about equal parts of whole windows, from 0 to the number of rows."""
        return [0, *(self.cut(part / parts) for part in range(1, parts)), len(self.values)]

    def cut(self, share: float) -> int:
        """The number of the row, first of its window, before which about that share of the rows lies."""
        return int(np.searchsorted(self.ends, self.ends[int(len(self.ends) * share)], side="left"))

    @cached_property
    def windows(self) -> int:
        """How many windows the rows are of."""
        return len(np.unique(self.ends))


def read_training_rows(run: TrainingRun, joined: int) -> TrainingRows:
    """The rows of the range; of more than `max_rows`, that many, drawn evenly over all windows.

    Raises:
        InputError: there are fewer than `min_rows`, or not as many as were verified.
    """
    features = model_features(run.spec)
    wanted = min(joined, run.parameters.max_rows)
    values = np.empty((wanted, len(features.names)), dtype=np.float32)
    ends = np.empty(wanted, dtype=np.int64)
    seen = filled = 0
    for part in read_rows(run.lake, run.config.windows, features, run.project.model_horizon):
        upto = min((seen + len(part.values)) * wanted // max(joined, 1), wanted)
        rng = np.random.default_rng([run.parameters.random_state, seen])
        drawn = drawn_rows(len(part.values), upto - filled, rng)
        values[filled:upto] = part.values[drawn]
        ends[filled:upto] = part.keys["window_end_ts"].to_numpy().astype("datetime64[us]").astype(np.int64)[drawn]
        seen, filled = seen + len(part.values), upto
        run.report.progress("read", seen, joined, "rows")
    _check(run, seen, joined)
    return TrainingRows(values, ends, seen)


def _check(run: TrainingRun, seen: int, joined: int) -> None:
    if seen < run.parameters.min_rows:
        raise InputError(
            f"the training range {run.config.windows} has {seen:,} rows in {run.lake.uri}, fewer than "
            f"{run.parameters.min_rows:,}",
            "Give a longer range, run ndr-fg-a and ndr-fg-c for it, or lower --min-rows",
        )
    if seen != joined:
        raise InputError(
            f"the training range {run.config.windows} has {seen:,} rows in {run.lake.uri}, {joined:,} were verified",
            "The features have changed since then: run --stage reverify again",
        )
