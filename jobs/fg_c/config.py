"""What the deviation stage is told, and which baseline each window is compared with."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import groupby

from common.errors import TableError
from common.stage import StageConfig
from common.windows import Windows


@dataclass(frozen=True)
class DeviationConfig(StageConfig):
    """A run of the deviation stage; without a baseline month, each window looks for its own."""

    baseline_month: str | None = None


def baseline_months(
    windows: Windows, horizon: str, published: Collection[str], chosen: str | None
) -> Iterator[tuple[str, Windows]]:
    """The baseline month of each run of windows.

    It is the chosen month, else the month in which the window starts, else the latest published one before it.

    Raises:
        TableError: no such month is published.
    """
    for month, run in groupby(windows, key=lambda window: _month(window, horizon, published, chosen)):
        members = list(run)
        yield month, Windows(members[0].start, members[-1].end)


def _month(window: Windows, horizon: str, published: Collection[str], chosen: str | None) -> str:
    wanted = chosen or f"{window.start:%Y-%m}"
    if chosen:
        found = chosen if chosen in published else None
    else:
        found = max((month for month in published if month <= wanted), default=None)
    if found is None:
        others = f" (published: {', '.join(sorted(published))})" if published else ""
        raise TableError(
            f"table fg_b/publications has no baseline of horizon {horizon} for month {wanted}"
            f"{'' if chosen else ' or an earlier one'}{others}",
            f"Run ndr-fg-b --month {wanted} first, or name a published month with --baseline-month",
        )
    return found
