"""The sums of hosts by bucket: the rows of `delta_host`, added up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from common.arrays import Floats, Integers
from common.coded import encoded
from common.features.spec import FeatureSpec
from common.pair_keys import first_of_each
from jobs.fg_a.metrics import Values
from jobs.fg_a.rows import integers, owned
from jobs.fg_a.timeline import ROLES, Timeline

PEAK = "max_sessions_per_minute"
CODED = ("host_ip", "role", "segment_id")

Number = TypeVar("Number", np.int64, np.float64)


def counted_columns(spec: FeatureSpec) -> tuple[str, ...]:
    """The columns of `delta_host` that add up as whole numbers to a metric."""
    return tuple(metric.name for metric in spec.sums if metric.feature and metric.kind != "seconds")


def timed_columns(spec: FeatureSpec) -> tuple[str, ...]:
    """The columns of `delta_host` that add up as seconds to a metric."""
    return tuple(metric.name for metric in spec.sums if metric.feature and metric.kind == "seconds")


def columns(spec: FeatureSpec) -> tuple[str, ...]:
    """The columns of `delta_host` that are read."""
    return (*CODED, "window_start_ts", PEAK, *counted_columns(spec), *timed_columns(spec))


@dataclass(frozen=True)
class HostSums:
    """Sums of owners by bucket, `(n_entries,)` each, by the name of their column; the peak is a maximum.

    They are in the order of owners. `segments` is `(n_hosts, n_windows)`: the number in `segment_ids` of the segment
    that each host had in a window, -1 where it has no slice there.
    """

    timeline: Timeline
    hosts: pa.Array
    segment_ids: pa.Array
    segments: Integers
    owner: Integers
    bucket: Integers
    counts: Mapping[str, Integers]
    seconds: Mapping[str, Floats]
    peak: Integers

    def between(self, first: int, last: int) -> HostSums:
        """The sums of the hosts from the first on and before the last."""
        begin, end = np.searchsorted(self.owner, (first * len(ROLES), last * len(ROLES)))
        return replace(
            self,
            hosts=self.hosts.slice(first, last - first),
            segments=self.segments[first:last],
            owner=self.owner[begin:end] - first * len(ROLES),
            bucket=self.bucket[begin:end],
            counts={name: counts[begin:end] for name, counts in self.counts.items()},
            seconds={name: seconds[begin:end] for name, seconds in self.seconds.items()},
            peak=self.peak[begin:end],
        )

    def totals(self) -> dict[str, dict[str, Values]]:
        """The additive metrics by label and name, each `(n_owners, n_windows)`."""
        timeline = self.timeline
        found: dict[str, dict[str, Values]] = {label: {} for label in timeline.labels}
        for name, counts in self.counts.items():
            running = self._running(counts)
            for label, values in found.items():
                values[name] = running[:, timeline.ends] - running[:, timeline.starts(label)]
        for name, seconds in self.seconds.items():
            micros = self._running(np.round(seconds * 1e6))
            for label, values in found.items():
                values[name] = (micros[:, timeline.ends] - micros[:, timeline.starts(label)]) / 1e6
        return found

    def peaks(self) -> dict[str, Integers]:
        """The sessions of the busiest minute by label, `(n_owners, n_windows)`."""
        timeline = self.timeline
        peaks = np.zeros((len(self.hosts) * len(ROLES), timeline.n_buckets), dtype=np.int64)
        peaks[self.owner, self.bucket] = self.peak
        return {label: _largest_between(peaks, timeline.starts(label), timeline.ends) for label in timeline.labels}

    def _running(self, values: NDArray[Number]) -> NDArray[Number]:
        """Running sums over buckets, from 0, `(n_owners, n_buckets + 1)`."""
        added = np.zeros((len(self.hosts) * len(ROLES), self.timeline.n_buckets + 1), dtype=values.dtype)
        added[self.owner, self.bucket + 1] = values
        np.cumsum(added, axis=1, out=added)
        return added


def host_sums(rows: pa.Table, spec: FeatureSpec, timeline: Timeline) -> HostSums:
    """The sums of the hosts that are active in the run's windows, from rows of `delta_host`."""
    hosts = _active(rows, timeline)
    rows, owner = owned(rows, hosts)
    starts = integers(rows, "window_start_ts")
    segment = encoded(rows["segment_id"])
    segments = np.full((len(hosts), len(timeline.windows)), -1, dtype=np.int64)
    window = timeline.slices(starts) - timeline.before
    current = window >= 0
    segments[owner[current] // len(ROLES), window[current]] = np.asarray(segment.indices)[current]

    keys = owner * timeline.n_buckets + timeline.buckets(starts)
    order = np.argsort(keys)
    heads = first_of_each(keys[order])
    owner, bucket = np.divmod(keys[order[heads]], timeline.n_buckets)
    return HostSums(
        timeline=timeline,
        hosts=hosts,
        segment_ids=segment.dictionary,
        segments=segments,
        owner=owner,
        bucket=bucket,
        counts={name: np.add.reduceat(integers(rows, name)[order], heads) for name in counted_columns(spec)},
        seconds={name: np.add.reduceat(rows[name].to_numpy()[order], heads) for name in timed_columns(spec)},
        peak=np.maximum.reduceat(integers(rows, PEAK)[order], heads),
    )


def _active(rows: pa.Table, timeline: Timeline) -> pa.Array:
    """The hosts with a row in the run's windows."""
    host = encoded(rows["host_ip"])
    current = timeline.slices(integers(rows, "window_start_ts")) >= timeline.before
    numbers = np.bincount(np.asarray(host.indices)[current], minlength=len(host.dictionary))
    return host.dictionary.filter(pa.array(numbers > 0))


def _largest_between(values: Integers, starts: Integers, ends: Integers) -> Integers:
    """The largest value of each row in `[start, end)`, `(n_rows, n_ranges)`, by doubling stretches."""
    levels = [values]
    while (length := 1 << len(levels)) <= values.shape[1]:
        half = levels[-1]
        levels.append(np.maximum(half[:, : values.shape[1] - length + 1], half[:, length // 2 :]))
    level = np.floor(np.log2(ends - starts)).astype(int)
    found = np.empty((len(values), len(starts)), dtype=values.dtype)
    for number in np.unique(level):
        chosen = level == number
        first, last = starts[chosen], ends[chosen] - (1 << number)
        found[:, chosen] = np.maximum(levels[number][:, first], levels[number][:, last])
    return found
