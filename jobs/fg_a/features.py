"""FG-A from a feed: all features of all hosts and windows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from common.arrays import Integers
from common.config.project import ProjectParameters
from common.contracts.types import Table
from common.contracts.window_columns import window_columns
from common.features.spec import FeatureSpec
from common.windows import Windows
from jobs.fg_a.feed import HostEntries, PairEntries, host_entries, pair_entries
from jobs.fg_a.frames import counted_columns, timed_columns
from jobs.fg_a.metrics import Lookback, Values, check_formulas, metric_values
from jobs.fg_a.sums import spreads
from jobs.fg_a.timeline import ROLES, Timeline

Number = TypeVar("Number", np.int64, np.float64)


@dataclass(frozen=True)
class Definition:
    """The definition of a run: time axis, specification, project and table."""

    timeline: Timeline
    spec: FeatureSpec
    project: ProjectParameters
    table: Table

    def __post_init__(self) -> None:
        check_formulas(self.spec)


def fg_a_rows(feed: pa.Table, definition: Definition) -> pa.RecordBatch:
    """The rows of `fg_a` for the hosts of a feed, one per host and window with activity."""
    timeline, spec = definition.timeline, definition.spec
    is_host_row = pc.is_valid(feed.column("counts")).to_numpy()
    host_rows = np.flatnonzero(is_host_row)
    hosts = pc.unique(feed.column("host_ip").take(pa.array(host_rows)))
    sums = host_entries(feed, host_rows, hosts, timeline)
    pairs = pair_entries(feed, np.flatnonzero(~is_host_row), hosts, timeline, definition.project.high_risk_segments)
    host, window = _active(sums, len(hosts), timeline)
    columns: dict[str, pa.Array] = {}
    for label, lookback in _lookbacks(sums, pairs, len(hosts), definition).items():
        for name, values in metric_values(spec, lookback).items():
            for number, role in enumerate(ROLES):
                found = values[host * len(ROLES) + number, window].astype(np.float64)
                columns[spec.fg_a_name(role, name, label)] = pa.array(found, mask=np.isnan(found))
    segments = _segments(sums, len(hosts))
    columns |= _context(window, definition) | window_columns(window, timeline.windows)
    columns |= {"host_ip": hosts.take(pa.array(host)), "segment_id": segments.take(pa.array(host))}
    schema = definition.table.arrow
    return pa.RecordBatch.from_arrays(
        [columns[name].cast(schema.field(name).type) for name in schema.names], schema=schema
    )


def _active(sums: HostEntries, n_hosts: int, timeline: Timeline) -> tuple[Integers, Integers]:
    """Host and window numbers of the rows: where a host has a slice in the window itself."""
    seen = np.zeros((n_hosts, timeline.n_buckets), dtype=bool)
    seen[sums.owner // len(ROLES), sums.bucket] = True
    host, window = np.nonzero(seen[:, timeline.current_buckets])
    return host, window


def _lookbacks(sums: HostEntries, pairs: PairEntries, n_hosts: int, definition: Definition) -> dict[str, Lookback]:
    """The input of the metrics, by label."""
    timeline, rare_days = definition.timeline, definition.spec.rare_days
    peers = spreads(pairs.by_peer(), timeline, rare_days)
    ports = spreads(pairs.by_port(), timeline, rare_days)
    services = spreads(pairs.by_peer_and_port(), timeline, rare_days, shape_wanted=False)
    counting = {"shape_wanted": False, "novelty_wanted": False}
    segments = spreads(pairs.by_segment(), timeline, rare_days, **counting)
    risky_peers = spreads(pairs.of_risky_segments().by_peer(), timeline, rare_days, **counting)
    history = np.repeat(pairs.hosts_with_history(timeline), len(ROLES), axis=0)
    totals, peaks = _totals(sums, n_hosts, definition), _peaks(sums, n_hosts, timeline)
    return {
        label: Lookback(
            sums=totals[label],
            peak=peaks[label],
            peers=peers[label],
            ports=ports[label],
            segments=segments[label],
            services=services[label],
            risky_peers=risky_peers[label],
            known=history[:, timeline.starts(label)],
        )
        for label in timeline.labels
    }


def _totals(sums: HostEntries, n_hosts: int, definition: Definition) -> dict[str, dict[str, Values]]:
    """The additive metrics by label and name, each `(n_owners, n_windows)`."""
    timeline, spec = definition.timeline, definition.spec
    owners = n_hosts * len(ROLES)
    counts = _running(sums, sums.counts, owners, timeline)
    micros = _running(sums, np.round(sums.seconds * 1e6), owners, timeline)
    found: dict[str, dict[str, Values]] = {}
    for label in timeline.labels:
        starts, ends = timeline.starts(label), timeline.ends
        counted = counts[:, ends] - counts[:, starts]
        timed = (micros[:, ends] - micros[:, starts]) / 1e6
        found[label] = {
            **{name: counted[:, :, number] for number, name in enumerate(counted_columns(spec))},
            **{name: timed[:, :, number] for number, name in enumerate(timed_columns(spec))},
        }
    return found


def _running(sums: HostEntries, values: NDArray[Number], owners: int, timeline: Timeline) -> NDArray[Number]:
    """Running sums over buckets of `(n_entries, n_columns)` values, `(n_owners, n_buckets + 1, n_columns)` from 0."""
    added = np.zeros((owners, timeline.n_buckets + 1, values.shape[1]), dtype=values.dtype)
    added[sums.owner, sums.bucket + 1] = values
    np.cumsum(added, axis=1, out=added)
    return added


def _peaks(sums: HostEntries, n_hosts: int, timeline: Timeline) -> dict[str, Integers]:
    """The sessions of the busiest minute by label, `(n_owners, n_windows)`."""
    peaks = np.zeros((n_hosts * len(ROLES), timeline.n_buckets), dtype=np.int64)
    peaks[sums.owner, sums.bucket] = sums.peak
    return {label: _largest_between(peaks, timeline.starts(label), timeline.ends) for label in timeline.labels}


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


def _segments(sums: HostEntries, n_hosts: int) -> pa.Array:
    row = np.zeros(n_hosts, dtype=np.int64)
    row[sums.owner // len(ROLES)] = np.arange(len(sums.owner))
    return sums.segment.take(pa.array(row))


def _context(window: Integers, definition: Definition) -> dict[str, pa.Array]:
    """The context features and the time band of each row, from the local time at which its window starts."""
    project = definition.project
    zone = ZoneInfo(project.time_zone)
    local = [member.start.astimezone(zone) for member in definition.timeline.windows]
    index = pa.array(window)
    flags = {
        "hour_of_day": [moment.hour for moment in local],
        "is_working_hours": [int(_between(moment, project.working_hours)) for moment in local],
        "is_off_hours": [int(_between(moment, project.off_hours)) for moment in local],
        "is_weekend": [int(moment.isoweekday() in project.weekend_days) for moment in local],
    }
    flags["is_night_hours"] = [
        int(not working and not off)
        for working, off in zip(flags["is_working_hours"], flags["is_off_hours"], strict=True)
    ]
    columns = {name: pa.array(values, pa.int32()).take(index) for name, values in flags.items()}
    bands = [time_band(member, project) for member in definition.timeline.windows]
    return columns | {"time_band": pa.array(bands).take(index)}


def time_band(window: Windows, project: ProjectParameters) -> str:
    """`working_hours` when the window starts in working hours, local time, outside the weekend; else `off_hours`."""
    local = window.start.astimezone(ZoneInfo(project.time_zone))
    working = _between(local, project.working_hours) and local.isoweekday() not in project.weekend_days
    return "working_hours" if working else "off_hours"


def _between(moment: datetime, hours: tuple[int, int]) -> bool:
    return hours[0] <= moment.hour < hours[1]
