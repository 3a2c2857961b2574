"""The time grid: 15-minute windows whose bounds fall on minutes 08, 23, 38 and 53 UTC."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from common.errors import WindowError

WINDOW = timedelta(minutes=15)
WINDOW_SECONDS = 900
WINDOWS_PER_DAY = 86_400 // WINDOW_SECONDS
GRID_OFFSET_SECONDS = 480
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})|\d{8}T\d{4}Z")
_GRID_REMEDY = "Window bounds fall on minutes 08, 23, 38 and 53 UTC"


def floor_to_grid(moment: datetime) -> datetime:
    """The latest grid point at or before the moment, which must be zone-aware."""
    seconds = (moment.astimezone(UTC) - EPOCH) // timedelta(seconds=1)
    return EPOCH + timedelta(seconds=seconds - (seconds - GRID_OFFSET_SECONDS) % WINDOW_SECONDS)


def closed_window(moment: datetime) -> Windows:
    """The last window that has ended at this moment: 13:23:11 gives 13:08-13:23."""
    end = floor_to_grid(moment)
    return Windows(end - WINDOW, end)


def parse_moment(text: str) -> datetime:
    """The UTC time of an ISO 8601 text with a zone, or of a partition key.

    Raises:
        WindowError: the text is neither.
    """
    if not _TIME.fullmatch(text):
        raise WindowError(f"{text!r} is not a time with a zone", "Use the form 2026-03-10T13:08Z")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError as error:
        raise WindowError(f"{text!r} is not a valid time: {error}", "Use the form 2026-03-10T13:08Z") from None


@dataclass(frozen=True, order=True)
class Windows:
    """A half-open range `[start, end)` of consecutive windows; a single window is a range of length one."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for bound in (self.start, self.end):
            if floor_to_grid(bound) != bound:
                below = floor_to_grid(bound)
                raise WindowError(
                    f"{bound:%Y-%m-%dT%H:%M:%S%z} is not on the 15-minute grid".replace("+0000", "Z"),
                    f"{_GRID_REMEDY}; the nearest are {iso(below)} and {iso(below + WINDOW)}",
                )
        if self.end <= self.start:
            raise WindowError(
                f"the range {iso(self.start)}/{iso(self.end)} is empty or reversed",
                "Give START/END with START before END",
            )

    @classmethod
    def parse(cls, text: str) -> Windows:
        """One window by its start (`2026-03-10T13:08Z`) or a half-open range (`START/END`).

        Raises:
            WindowError: a bound is not a time or is off the grid, or the range is empty.
        """
        first, slash, last = text.partition("/")
        start = parse_moment(first)
        return cls(start, parse_moment(last) if slash else start + WINDOW)

    def __len__(self) -> int:
        return (self.end - self.start) // WINDOW

    def __iter__(self) -> Iterator[Windows]:
        for number in range(len(self)):
            start = self.start + number * WINDOW
            yield Windows(start, start + WINDOW)

    def __str__(self) -> str:
        return iso(self.start) if len(self) == 1 else f"{iso(self.start)}/{iso(self.end)}"

    @property
    def key(self) -> str:
        """The partition key of the first window, sortable as text: `20260310T1308Z`."""
        return partition_key(self.start)

    @property
    def last_key(self) -> str:
        """The partition key of the last window."""
        return partition_key(self.end - WINDOW)

    @property
    def span(self) -> str:
        """The partition keys of the bounds, `20260310T1308Z/20260310T1353Z`; `parse` takes it."""
        return f"{self.key}/{partition_key(self.end)}"

    @property
    def predicate(self) -> str:
        """The SQL condition that selects exactly these windows' partitions."""
        return (
            f"date >= '{self.start:%Y-%m-%d}' AND date <= '{self.end - WINDOW:%Y-%m-%d}' "
            f"AND window >= '{self.key}' AND window <= '{self.last_key}'"
        )

    @property
    def bounds(self) -> dict[str, tuple[str, str]]:
        """The first and the last value of the columns `date` and `window`."""
        first, last = self.start, self.end - WINDOW
        return {
            "date": (f"{first:%Y-%m-%d}", f"{last:%Y-%m-%d}"),
            "window": (partition_key(first), partition_key(last)),
        }

    def extended(self, before: int) -> Windows:
        """These windows and the `before` windows that precede them."""
        return Windows(self.start - before * WINDOW, self.end)

    def days(self) -> list[date]:
        """The UTC dates on which these windows start."""
        first, last = self.start.date(), (self.end - WINDOW).date()
        return [first + timedelta(days=number) for number in range((last - first).days + 1)]

    def by_day(self) -> list[Windows]:
        """These windows, grouped by the UTC date on which they start."""
        bounds = [self.start]
        for day in self.days()[1:]:
            midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
            bounds.append(floor_to_grid(midnight) + WINDOW)
        return [Windows(a, b) for a, b in zip(bounds, [*bounds[1:], self.end], strict=True)]


def runs(windows: Iterable[Windows]) -> list[Windows]:
    """The runs of consecutive windows, in order; none of the windows may overlap."""
    found: list[Windows] = []
    for window in sorted(windows):
        if found and found[-1].end == window.start:
            window = Windows(found.pop().start, window.end)
        found.append(window)
    return found


def partition_key(start: datetime) -> str:
    """The partition key of the window that starts at this time."""
    return f"{start:%Y%m%dT%H%MZ}"


def iso_seconds(moment: datetime) -> str:
    """A time in the form that state machines use, also as a lock key: `2026-03-10T13:08:00Z`."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def iso(moment: datetime) -> str:
    """A grid time in the form that users type: `2026-03-10T13:08Z`."""
    return f"{moment:%Y-%m-%dT%H:%MZ}"
