"""The rows to train on, bounded in number, in the order of time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from common.arrays import Integers, Matrix
from common.calendar.entries import read_calendar
from common.calendar.left_out import MEMORY, LeftOut
from common.detection.input_matrix import read_rows
from common.detection.inputs import model_features
from common.errors import InputError
from jobs.if_training.lifecycle import TrainingRun
from jobs.if_training.synthetic_anomalies import drawn_rows


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """Rows of the model input in the order of window and host; `ends` holds the end of each row's window, in µs.

    `found` counts the rows of the range, of which these were drawn; `left_out` those among them that the calendar says
    are not to be learnt from.
    """

    values: Matrix
    ends: Integers
    found: int
    left_out: LeftOut

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

    Of those that are drawn, the ones that lie in the calendar, or have something of it in sums over 24 hours, are left
    out.

    Raises:
        InputError: there are fewer than `min_rows`, or not as many as were verified.
    """
    features = model_features(run.spec)
    wanted = min(joined, run.parameters.max_rows)
    values = np.empty((wanted, len(features.names)), dtype=np.float32)
    ends = np.empty(wanted, dtype=np.int64)
    left_out = LeftOut(read_calendar(run.lake).touching(run.config.windows, MEMORY), MEMORY)
    seen = taken = filled = 0
    for part in read_rows(run.lake, run.config.windows, features, run.project.model_horizon):
        upto = min((seen + len(part.values)) * wanted // max(joined, 1), wanted)
        rng = np.random.default_rng([run.parameters.random_state, seen])
        drawn = drawn_rows(len(part.values), upto - taken, rng)
        drawn = drawn[left_out.kept(part.keys["window_start_ts"], part.keys["host_ip"])[drawn]]
        rows = slice(filled, filled + len(drawn))
        values[rows] = part.values[drawn]
        ends[rows] = part.keys["window_end_ts"].to_numpy().astype("datetime64[us]").astype(np.int64)[drawn]
        seen, taken, filled = seen + len(part.values), upto, rows.stop
        run.report.progress("read", seen, joined, "rows")
    _check(run, seen, joined, left_out)
    return TrainingRows(values[:filled], ends[:filled], seen, left_out)


def _check(run: TrainingRun, seen: int, joined: int, left_out: LeftOut) -> None:
    if seen - left_out.rows < run.parameters.min_rows:
        less = f" ({left_out.words})" if left_out.rows else ""
        raise InputError(
            f"the training range {run.config.windows} has {seen - left_out.rows:,} rows in {run.lake.uri}{less}, fewer "
            f"than {run.parameters.min_rows:,}",
            "Give a longer range, run ndr-fg-a and ndr-fg-c for it, or lower --min-rows",
        )
    if seen != joined:
        raise InputError(
            f"the training range {run.config.windows} has {seen:,} rows in {run.lake.uri}, {joined:,} were verified",
            "The features have changed since then: run --stage reverify again",
        )
