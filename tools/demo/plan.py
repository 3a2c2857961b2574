"""Which windows the demo trains on and scores."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow.compute as pc

from common.errors import InputError
from common.logs import ReadOptions, find_logs, read_files
from common.windows import WINDOW, Windows, floor_to_grid, parse_moment

WINDOWS_PER_DAY = 96
LONGEST = timedelta(days=93)
SHARE_SCORED = 0.25
LIVE_WINDOWS = 8


@dataclass(frozen=True)
class Plan:
    """All windows with logs, those that train the model, and those that are scored, of which the last come live."""

    whole: Windows
    train: Windows
    score: Windows
    live: Windows | None

    @property
    def history(self) -> Windows:
        """The windows that are there before the first live one arrives."""
        return Windows(self.whole.start, self.live.start) if self.live else self.whole

    @property
    def scored_before(self) -> Windows | None:
        """The scored windows before the first live one."""
        if self.live is None:
            return self.score
        return Windows(self.score.start, self.live.start) if self.score.start < self.live.start else None


def covered_windows(inputs: Sequence[str], log_time_zone: str | None) -> Windows:
    """The windows in which the sessions of the logs end: as their `scenario.json` says, else by reading them.

    Raises:
        InputError: the logs hold no session, or spread over more than three months.
    """
    for folder in inputs:
        summary = Path(folder) / "scenario.json"
        if summary.is_file():
            scenario = json.loads(summary.read_text(encoding="utf-8"))
            start = parse_moment(scenario["start"])
            return Windows(start, start + timedelta(days=scenario["days"]))
    options = ReadOptions(time_zone=log_time_zone or "UTC")
    bounds = list(_bounds(find_logs(inputs, options).paths, options))
    if not bounds:
        raise InputError(f"no session was found in {', '.join(inputs)}", "See what is made of it with ndr-parse")
    first, last = min(low for low, _ in bounds), max(high for _, high in bounds)
    if last - first > LONGEST:
        raise InputError(
            f"the sessions of {', '.join(inputs)} spread from {first:%Y-%m-%d} to {last:%Y-%m-%d}",
            "Name logs of at most three months, or run the stages with --window",
        )
    return Windows(floor_to_grid(first), floor_to_grid(last) + WINDOW)


def _bounds(paths: Sequence[str], options: ReadOptions) -> Iterator[tuple[datetime, datetime]]:
    for batch in read_files(paths, options, threads=os.cpu_count() or 1):
        ends = batch.sessions.filter(pc.equal(batch.sessions.column("status"), "kept")).column("end_ts")
        if len(ends):
            found = pc.min_max(ends).as_py()
            yield found["min"], found["max"]


def plan(whole: Windows, train_days: float | None, score_days: float | None) -> Plan:
    """Training windows, then scored windows, at the end of what there is.

    Without numbers of days, the last day is scored, or the last quarter of less than four days; all before it trains.
    The last two hours of the scored windows come live. Logs of fewer than four windows train and are scored as a whole,
    and none comes live.

    Raises:
        InputError: there are not as many days as were asked for.
    """
    length = len(whole)
    if length < 4:
        return Plan(whole, whole, whole, None)
    scored = _windows(score_days) or min(WINDOWS_PER_DAY, max(1, round(length * SHARE_SCORED)))
    trained = _windows(train_days) or length - scored
    if trained < 1 or scored + trained > length:
        raise InputError(
            f"the logs cover {length / WINDOWS_PER_DAY:.2f} days, but training and scoring want "
            f"{(scored + max(trained, 1)) / WINDOWS_PER_DAY:.2f}",
            "Give fewer TRAIN_DAYS or SCORE_DAYS",
        )
    boundary = whole.end - scored * WINDOW
    train = Windows(boundary - trained * WINDOW, boundary)
    live = Windows(whole.end - min(scored, LIVE_WINDOWS) * WINDOW, whole.end)
    return Plan(Windows(train.start, whole.end), train, Windows(boundary, whole.end), live)


def _windows(days: float | None) -> int:
    return 0 if days is None else max(1, round(days * WINDOWS_PER_DAY))
