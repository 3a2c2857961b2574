"""Configuration of the deviation stage, and the baselines that each window is compared with."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from common.errors import TableError
from common.runtime.context import StageConfig
from common.windows import Windows


@dataclass(frozen=True)
class DeviationConfig(StageConfig):
    """A run of the deviation stage; without a baseline month, each window takes its own.

    A run is computed in parts of at most a day and about `part_rows` FG-A rows, which bounds memory.
    """

    baseline_month: str | None = None
    part_rows: int = 10_000


def baseline_months(
    windows: Windows, published: Mapping[str, Collection[str]], chosen: str | None
) -> Iterator[tuple[Windows, dict[str, str]]]:
    """Runs of windows with the baseline month of each horizon, given the published months of each.

    The month is the chosen one, else the one in which the window starts, else the latest published one before. A
    horizon that has none of them is left out: the project has no baseline yet.

    Raises:
        TableError: the chosen month is not published.
    """

    def months_of(window: Windows) -> dict[str, str]:
        found = {horizon: _month(window, horizon, months, chosen) for horizon, months in published.items()}
        return {horizon: month for horizon, month in found.items() if month}

    for months, run in groupby(windows, key=months_of):
        members = list(run)
        yield Windows(members[0].start, members[-1].end), months


def _month(window: Windows, horizon: str, published: Collection[str], chosen: str | None) -> str | None:
    if not chosen:
        return max((month for month in published if month <= f"{window.start:%Y-%m}"), default=None)
    if chosen not in published:
        others = f" (published: {', '.join(sorted(published))})" if published else ""
        raise TableError(
            f"table fg_b/publications has no baseline of horizon {horizon} for month {chosen}{others}",
            f"Run ndr-fg-b --month {chosen} first, or name a published month with --baseline-month",
        )
    return chosen


def bounded_parts(windows: Windows, rows: Mapping[str, int], most_rows: int) -> Iterator[Windows]:
    """The windows, divided at each day and before `most_rows`; `rows` maps the key of a window to its rows."""
    for day in windows.by_day():
        start, held = day.start, 0
        for window in day:
            found = rows.get(window.key, 0)
            if held and held + found > most_rows:
                yield Windows(start, window.start)
                start, held = window.start, 0
            held += found
        yield Windows(start, day.end)
