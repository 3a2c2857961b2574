"""The windows that the demo trains on, scores and processes live."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow.compute as pc

from common.errors import InputError
from common.logs import ReadOptions, find_logs, read_files
from common.windows import WINDOW, WINDOWS_PER_DAY, Windows, floor_to_grid, parse_moment
from tools.demo.scenario import find_scenario

LONGEST = timedelta(days=93)
SHARE_SCORED = 0.25
LIVE_WINDOWS = 8


@dataclass(frozen=True)
class Plan:
    """The windows processed, those for training, and those scored, of which the last ones are processed live."""

    whole: Windows
    train: Windows
    score: Windows
    live: Windows | None

    @property
    def history(self) -> Windows:
        """The windows before the first live one."""
        return Windows(self.whole.start, self.live.start) if self.live else self.whole

    @property
    def scored_before(self) -> Windows | None:
        """The scored windows before the first live one."""
        if self.live is None:
            return self.score
        return Windows(self.score.start, self.live.start) if self.score.start < self.live.start else None


def covered_windows(inputs: Sequence[str], log_time_zone: str | None) -> Windows:
    """The windows in which the sessions of the logs end, from their scenario or by reading the logs.

    Raises:
        InputError: the logs have no session, or span more than three months.
    """
    if scenario := find_scenario(inputs):
        start = parse_moment(scenario.description["start"])
        return Windows(start, start + timedelta(days=scenario.description["days"]))
    options = ReadOptions(time_zone=log_time_zone or "UTC")
    bounds = list(_bounds(find_logs(inputs, options).paths, options))
    if not bounds:
        raise InputError(f"no sessions found in {', '.join(inputs)}", "Check how the logs are read with ndr-parse")
    first, last = min(low for low, _ in bounds), max(high for _, high in bounds)
    if last - first > LONGEST:
        raise InputError(
            f"the sessions of {', '.join(inputs)} span {first:%Y-%m-%d} to {last:%Y-%m-%d}",
            "Give logs of at most three months, or run the stages with --window",
        )
    return Windows(floor_to_grid(first), floor_to_grid(last) + WINDOW)


def _bounds(paths: Sequence[str], options: ReadOptions) -> Iterator[tuple[datetime, datetime]]:
    for batch in read_files(paths, options, threads=os.cpu_count() or 1):
        ends = batch.sessions.filter(pc.equal(batch.sessions.column("status"), "kept")).column("end_ts")
        if len(ends):
            found = pc.min_max(ends).as_py()
            yield found["min"], found["max"]


def plan(whole: Windows, train_days: float | None, score_days: float | None) -> Plan:
    """The training windows followed by the scored windows, at the end of the logs.

    By default the last day is scored, or the last quarter of less than four days, and all before it is for training.
    The last two hours of the scored windows are live. Logs of fewer than four windows are used whole for both, and
    none is live.

    Raises:
        InputError: the logs cover fewer days than requested.
    """
    length = len(whole)
    if length < 4:
        return Plan(whole, whole, whole, None)
    scored = _windows(score_days) or min(WINDOWS_PER_DAY, max(1, round(length * SHARE_SCORED)))
    trained = _windows(train_days) or length - scored
    if trained < 1 or scored + trained > length:
        raise InputError(
            f"the logs cover {length / WINDOWS_PER_DAY:.2f} days, but training and scoring need "
            f"{(scored + max(trained, 1)) / WINDOWS_PER_DAY:.2f}",
            "Lower --train-days or --score-days",
        )
    boundary = whole.end - scored * WINDOW
    train = Windows(boundary - trained * WINDOW, boundary)
    live = Windows(whole.end - min(scored, LIVE_WINDOWS) * WINDOW, whole.end)
    return Plan(Windows(train.start, whole.end), train, Windows(boundary, whole.end), live)


def _windows(days: float | None) -> int:
    return 0 if days is None else max(1, round(days * WINDOWS_PER_DAY))
