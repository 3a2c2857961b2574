"""Look-back sums over keys: distinct peers, ports and segments, and how sessions and bytes spread over them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.arrays import Flags, Floats, Integers
from jobs.fg_a.timeline import Timeline

CELLS_PER_CHUNK = 1_000_000
TABLE_SIZE = 1 << 16


_COUNTS = np.arange(TABLE_SIZE, dtype=np.float64)
_N_LOG_N = _COUNTS * np.log2(np.maximum(_COUNTS, 1))


@dataclass(frozen=True)
class Keyed:
    """Sessions and bytes of keys (a peer, port or segment of an owner) by bucket, keys sorted by owner.

    `owner` is `(n_keys,)`; `key`, `bucket`, `sessions` and `bytes` are `(n_entries,)`, `key` counting into `owner`
    and sorted; `past_days` `(n_keys,)` has bit i set when the key had a session on day i of the history, in slices
    before the origin: see `days_met`.
    """

    owner: Integers
    n_owners: int
    key: Integers
    bucket: Integers
    sessions: Integers
    bytes: Integers
    past_days: Integers

    def chunks(self, n_buckets: int) -> Iterator[tuple[slice, slice]]:
        """Runs of keys and of their entries, small enough to become dense."""
        step = max(1, CELLS_PER_CHUNK // n_buckets)
        for first in range(0, len(self.owner), step):
            last = min(first + step, len(self.owner))
            begin, end = np.searchsorted(self.key, (first, last))
            yield slice(first, last), slice(int(begin), int(end))


@dataclass
class Spread:
    """Totals over the keys of each owner in each window, every array `(n_owners, n_windows)`."""

    total: Integers
    distinct: Integers
    n_log_n: Floats
    largest: Integers
    bytes_total: Integers
    bytes_largest: Integers
    new: Integers
    rare: Integers

    @classmethod
    def zeros(cls, shape: tuple[int, int]) -> Spread:
        """No keys at all."""
        whole = {name: np.zeros(shape, np.int64) for name in cls.__dataclass_fields__ if name != "n_log_n"}
        return cls(n_log_n=np.zeros(shape), **whole)


def spreads(
    keyed: Keyed, timeline: Timeline, rare_days: int, *, shape_wanted: bool = True, novelty_wanted: bool = True
) -> dict[str, Spread]:
    """The spread of each label's look-back.

    Every value is a sum or a maximum over keys, so keys can be processed in chunks of bounded size. Without
    `shape_wanted`, entropies, largest shares and bytes stay 0; without `novelty_wanted`, new and rare do.
    """
    shape = (keyed.n_owners, len(timeline.windows))
    found = {label: Spread.zeros(shape) for label in timeline.labels}
    for keys, entries in keyed.chunks(timeline.n_buckets):
        owner = keyed.owner[keys]
        heads = np.flatnonzero(np.diff(owner, prepend=-1))
        owners = owner[heads]
        sessions = _running(keyed, keys, entries, keyed.sessions, timeline.n_buckets)
        if shape_wanted:
            volume = _running(keyed, keys, entries, keyed.bytes, timeline.n_buckets)
        if novelty_wanted:
            days = days_met(np.diff(sessions, axis=1) > 0, keyed.past_days[keys], timeline)
        for label, spread in found.items():
            starts, ends = timeline.start_columns(label), timeline.end_columns
            count = sessions[:, ends] - sessions[:, starts]
            met = count > 0
            spread.total[owners] += np.add.reduceat(count, heads, dtype=np.int64)
            spread.distinct[owners] += _tally(met, heads)
            if shape_wanted:
                moved = volume[:, ends] - volume[:, starts]
                spread.n_log_n[owners] += np.add.reduceat(_count_log_count(count), heads)
                _raise_to(spread.largest, owners, np.maximum.reduceat(count, heads))
                spread.bytes_total[owners] += np.add.reduceat(moved, heads, dtype=np.int64)
                _raise_to(spread.bytes_largest, owners, np.maximum.reduceat(moved, heads))
            if novelty_wanted:
                before = days[:, starts]
                spread.new[owners] += _tally(met & (before == 0), heads)
                spread.rare[owners] += _tally(met & (before < rare_days), heads)
    return found


def days_met(present: Flags, past_days: Integers, timeline: Timeline) -> NDArray[np.uint8]:
    """The number of UTC dates on which a key had a session before each edge, `(n_keys, n_edges)`.

    Dates count from `lookback_days` before the edge's date up to the edge itself. `present` `(n_keys, n_buckets)` marks
    the buckets in which the key had a session; bit i of `past_days` is set when it had one `lookback_days` - i days
    before the origin's date, in slices before the origin.
    """
    reach = timeline.lookback_days
    met = past_days.copy()
    for day in np.unique(timeline.bucket_days):
        met |= present[:, timeline.bucket_days == day].any(axis=1).astype(np.int64) << (reach + day)
    days, place = np.unique(timeline.edge_days, return_inverse=True)
    whole_days = [np.bitwise_count(met & (((1 << reach) - 1) << int(day))) for day in days]
    return np.stack(whole_days, axis=1)[:, place] + _met_today(present, past_days >> reach & 1 > 0, timeline)


def _met_today(present: Flags, past_today: Flags, timeline: Timeline) -> NDArray[np.uint8]:
    """Whether a key had a session on each edge's date, before the edge, `(n_keys, n_edges)` of 0 and 1."""
    running = np.zeros((len(present), timeline.n_buckets + 1), dtype=np.int32)
    np.cumsum(present, axis=1, out=running[:, 1:])
    first_of_day = np.searchsorted(timeline.bucket_days, timeline.edge_days)
    met = running - running[:, first_of_day] > 0
    met |= past_today[:, None] & (timeline.edge_days == 0)
    return met.astype(np.uint8)


def _running(keyed: Keyed, keys: slice, entries: slice, values: Integers, n_buckets: int) -> Integers:
    """Running sums over buckets of a run of keys, from 0, `(n_keys, n_buckets + 1)`."""
    n_keys = keys.stop - keys.start
    held = values[entries]
    kind = np.int32 if held.sum(dtype=np.float64) < np.iinfo(np.int32).max else np.int64
    running = np.zeros((n_keys, n_buckets + 1), dtype=kind)
    np.add.at(running, (keyed.key[entries] - keys.start, keyed.bucket[entries] + 1), held.astype(kind))
    np.cumsum(running, axis=1, out=running)
    return running


def _raise_to(largest: Integers, owners: Integers, values: Integers) -> None:
    largest[owners] = np.maximum(largest[owners], values)


def _tally(flags: Flags, heads: Integers) -> Integers:
    return np.add.reduceat(flags, heads, dtype=np.int64)


def _count_log_count(count: Integers) -> Floats:
    """The product n log2 n of each count n, 0 for 0; from a table while counts are small."""
    if count.max(initial=0) < TABLE_SIZE:
        return _N_LOG_N[count]
    return np.multiply(count, np.log2(np.maximum(count, 1)), dtype=np.float64)


def entropy(total: Integers, n_log_n: Floats) -> Floats:
    """Shannon entropy in bits, from the total of counts n and the sum of n log2 n; 0 without counts.

    Rounded to 1e-10, so that the order of the keys has no influence.
    """
    safe = np.maximum(total, 1)
    return np.maximum(np.round(np.log2(safe) - n_log_n / safe, 10), 0.0)
