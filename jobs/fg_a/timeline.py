"""The time axis of a run: slices, grouped into buckets that no look-back divides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np

from common.arrays import Integers
from common.contracts.window_columns import WINDOW_MICROS, micros
from common.pair_keys import Layout
from common.windows import Windows

ROLES = ("outbound", "inbound")
DAY_MICROS = 86_400_000_000

MAX_STRETCHES = 16
"""Above this number of edges, each slice is a bucket of its own."""


@dataclass(frozen=True)
class Timeline:
    """Slices from the start of the longest look-back to the end of the run, cut into buckets.

    A bucket is a stretch of slices that neither a look-back of any window nor midnight divides: single slices in a long
    run, half a dozen stretches when the run is one window. Slices and edges count from `origin`.
    """

    windows: Windows
    labels: Mapping[str, int]
    lookback_days: int

    @property
    def before(self) -> int:
        """The number of slices before the first window."""
        return max(self.labels.values()) - 1

    @property
    def history(self) -> Windows:
        """All slices that the run reads."""
        return self.windows.extended(self.before)

    @property
    def origin_date(self) -> date:
        """The UTC date of the first slice."""
        return self.history.start.date()

    @cached_property
    def origin(self) -> int:
        """The start of the first slice in microseconds since 1970."""
        return micros(self.history)[0]

    @property
    def first_day(self) -> int:
        """The first day of the history of novelty, in days since 1970."""
        return self.origin // DAY_MICROS - self.lookback_days

    def days(self) -> list[str]:
        """The dates of the history of novelty, up to that of the first slice."""
        ages = reversed(range(self.lookback_days + 1))
        return [f"{self.origin_date - timedelta(days=age):%Y-%m-%d}" for age in ages]

    @property
    def layout(self) -> Layout:
        """The layout of keys: room for its buckets, each twice, and for the days of its history."""
        return Layout.up_to(max(2 * self.n_buckets - 1, self.lookback_days))

    def slices(self, starts: Integers) -> Integers:
        """The slices that start at these microseconds since 1970."""
        return (starts - self.origin) // WINDOW_MICROS

    def buckets(self, starts: Integers) -> Integers:
        """The buckets of the slices that start at these microseconds since 1970."""
        return self._bucket_of_slice[self.slices(starts)]

    @cached_property
    def _bucket_of_slice(self) -> Integers:
        return np.searchsorted(self.edges, np.arange(len(self.history)), side="right") - 1

    @cached_property
    def slice_days(self) -> Integers:
        """Days from `origin_date` to the date of each slice, `(n_slices,)`."""
        return np.array([(member.start.date() - self.origin_date).days for member in self.history])

    @cached_property
    def edges(self) -> Integers:
        """The first slice of each bucket, and the end of the last, `(n_buckets + 1,)`."""
        ends = np.arange(len(self.windows)) + self.before + 1
        midnights = np.flatnonzero(np.diff(self.slice_days)) + 1
        needed = np.unique(np.concatenate([[0], midnights, ends, *(ends - length for length in self.labels.values())]))
        return needed if len(needed) <= MAX_STRETCHES else np.arange(len(self.history) + 1)

    @property
    def n_buckets(self) -> int:
        """The number of buckets."""
        return len(self.edges) - 1

    @cached_property
    def bucket_days(self) -> Integers:
        """Days from `origin_date` to the date of each bucket, `(n_buckets,)`."""
        return self.slice_days[self.edges[:-1]]

    @cached_property
    def ends(self) -> Integers:
        """The edge number at which each window ends, `(n_windows,)`."""
        return np.searchsorted(self.edges, np.arange(len(self.windows)) + self.before + 1)

    @property
    def end_columns(self) -> slice | Integers:
        """`ends` as an index of dense columns: a slice, which copies nothing, when they are consecutive."""
        return _consecutive(self.ends)

    def start_columns(self, label: str) -> slice | Integers:
        """`starts` as an index of dense columns."""
        return _consecutive(self.starts(label))

    def starts(self, label: str) -> Integers:
        """The edge number at which each window's look-back begins, `(n_windows,)`."""
        first = np.arange(len(self.windows)) + self.before + 1 - self.labels[label]
        return np.searchsorted(self.edges, first)

    @cached_property
    def current_buckets(self) -> Integers:
        """The bucket of each window itself, `(n_windows,)`."""
        return self.ends - 1

    @cached_property
    def edge_days(self) -> Integers:
        """Days from `origin_date` to the date of the slice that starts at each edge, `(n_buckets + 1,)`."""
        last = (self.windows.end.date() - self.origin_date).days
        return np.append(self.bucket_days, last)


def _consecutive(columns: Integers) -> slice | Integers:
    first, last = int(columns[0]), int(columns[-1])
    return slice(first, last + 1) if (np.diff(columns) == 1).all() else columns
