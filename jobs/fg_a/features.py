"""FG-A from a feed: every feature of every host and window."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from common.config.project import ProjectParameters
from common.contracts.types import Table
from common.contracts.window_columns import window_columns
from common.features.spec import FeatureSpec
from common.windows import Windows
from jobs.fg_a.feed import HostEntries, PairEntries, host_entries, pair_entries
from jobs.fg_a.frames import PEAK, base_columns
from jobs.fg_a.sums import Spread, entropy, spreads
from jobs.fg_a.timeline import ROLES, Index, Timeline

Values = NDArray[np.float64] | NDArray[np.int64]


@dataclass(frozen=True)
class Definition:
    """What FG-A is computed by."""

    timeline: Timeline
    spec: FeatureSpec
    project: ProjectParameters
    table: Table


def fg_a_rows(feed: pa.Table, definition: Definition) -> pa.RecordBatch:
    """The rows of `fg_a` for the hosts of a feed, one per host and window with activity."""
    timeline, spec = definition.timeline, definition.spec
    is_host_row = pc.is_valid(feed.column("sums")).to_numpy()
    host_rows = np.flatnonzero(is_host_row)
    hosts = pc.unique(feed.column("host_ip").take(pa.array(host_rows)))
    sums = host_entries(feed, host_rows, hosts, timeline)
    pairs = pair_entries(feed, np.flatnonzero(~is_host_row), hosts, timeline, definition.project.high_risk_segments)
    host, window = _active(sums, len(hosts), timeline)
    by_label = _base(sums, len(hosts), definition)
    for label, metrics in _keyed_metrics(pairs, definition).items():
        by_label[label] |= metrics
    columns: dict[str, pa.Array] = {}
    for label, metrics in by_label.items():
        _derive(metrics)
        for number, role in enumerate(ROLES):
            for name, values in metrics.items():
                found = values[host * len(ROLES) + number, window].astype(np.float64)
                columns[spec.fg_a_name(role, name, label)] = pa.array(found, mask=np.isnan(found))
    segments = _segments(sums, len(hosts))
    columns |= _context(window, definition) | window_columns(window, timeline.windows)
    columns |= {"host_ip": hosts.take(pa.array(host)), "segment_id": segments.take(pa.array(host))}
    schema = definition.table.arrow
    return pa.RecordBatch.from_arrays(
        [columns[name].cast(schema.field(name).type) for name in schema.names], schema=schema
    )


def _active(sums: HostEntries, n_hosts: int, timeline: Timeline) -> tuple[Index, Index]:
    """Host and window numbers of the rows: where a host has a slice in the window itself."""
    seen = np.zeros((n_hosts, timeline.n_buckets), dtype=bool)
    seen[sums.owner // len(ROLES), sums.bucket] = True
    host, window = np.nonzero(seen[:, timeline.current_buckets])
    return host, window


def _base(sums: HostEntries, n_hosts: int, definition: Definition) -> dict[str, dict[str, Values]]:
    """The additive metrics and the peak by label, each `(n_owners, n_windows)`."""
    timeline = definition.timeline
    names = base_columns(definition.spec)
    shape = (n_hosts * len(ROLES), timeline.n_buckets)
    running = np.zeros((shape[0], shape[1] + 1, len(names)), dtype=np.int64)
    running[sums.owner, sums.bucket + 1] = sums.values[:, :-1]
    np.cumsum(running, axis=1, out=running)
    seconds = np.zeros((shape[0], shape[1] + 1))
    seconds[sums.owner, sums.bucket + 1] = np.round(sums.durations * 1e6)
    np.cumsum(seconds, axis=1, out=seconds)
    peaks = np.zeros(shape, dtype=np.int64)
    peaks[sums.owner, sums.bucket] = sums.values[:, -1]
    found: dict[str, dict[str, Values]] = {}
    for label in timeline.labels:
        starts, ends = timeline.starts(label), timeline.ends
        total = running[:, ends] - running[:, starts]
        metrics: dict[str, Values] = {name: total[:, :, number] for number, name in enumerate(names)}
        metrics["duration_sum"] = (seconds[:, ends] - seconds[:, starts]) / 1e6
        metrics[PEAK] = _largest_between(peaks, starts, ends)
        found[label] = metrics
    return found


def _largest_between(values: Index, starts: Index, ends: Index) -> Index:
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


def _keyed_metrics(pairs: PairEntries, definition: Definition) -> dict[str, dict[str, Values]]:
    """The metrics over peers, ports, segments and pairs by label, each `(n_owners, n_windows)`."""
    timeline, rare_days = definition.timeline, definition.spec.rare_days
    peers = spreads(pairs.by_peer(), timeline, rare_days)
    ports = spreads(pairs.by_port(), timeline, rare_days)
    services = spreads(pairs.by_peer_and_port(), timeline, rare_days, shape_wanted=False)
    counting = {"shape_wanted": False, "novelty_wanted": False}
    segments = spreads(pairs.by_segment(), timeline, rare_days, **counting)
    risky = spreads(pairs.of_risky_segments().by_peer(), timeline, rare_days, **counting)
    history = np.repeat(pairs.hosts_with_history(timeline), len(ROLES), axis=0)
    found: dict[str, dict[str, Values]] = {}
    for label in timeline.labels:
        known = history[:, timeline.starts(label)]
        peer = peers[label]
        found[label] = {
            **_shape("peer_ip", peer),
            **_shape("peer_port", ports[label]),
            "peer_segment_nunique": segments[label].distinct,
            "new_peer_cnt_lookback30d": _unless_unknown(peer.new, known),
            "rare_peer_cnt_lookback30d": _unless_unknown(peer.rare, known),
            "new_peer_ratio_lookback30d": _unless_unknown(_share(peer.new, peer.distinct), known),
            "new_dst_port_cnt_lookback30d": _unless_unknown(ports[label].new, known),
            "rare_dst_port_cnt_lookback30d": _unless_unknown(ports[label].rare, known),
            "new_pair_cnt_lookback30d": _unless_unknown(peer.new, known),
            "new_src_dst_port_cnt_lookback30d": _unless_unknown(services[label].new, known),
            "high_risk_segment_sessions_cnt": risky[label].total,
            "high_risk_segment_unique_dsts": risky[label].distinct,
            "has_high_risk_segment_interaction": (risky[label].total > 0).astype(np.int64),
        }
    return found


def _shape(prefix: str, spread: Spread) -> dict[str, Values]:
    return {
        f"{prefix}_nunique": spread.distinct,
        f"{prefix}_entropy": entropy(spread.total, spread.n_log_n),
        f"{prefix}_top1_sessions_share": _share(spread.largest, spread.total),
        f"{prefix}_top1_bytes_share": _share(spread.bytes_largest, spread.bytes_total),
    }


def _derive(metrics: dict[str, Values]) -> None:
    """Adds the metrics that are ratios of others."""
    sessions = metrics["sessions_cnt"]
    sent, received = metrics["bytes_src_sum"], metrics["bytes_dst_sum"]
    metrics["duration_mean"] = _share(metrics["duration_sum"], sessions)
    metrics["deny_ratio"] = _share(metrics["deny_cnt"], sessions)
    metrics["bytes_asymmetry_ratio"] = _share(sent - received, sent + received)
    for protocol in ("tcp", "udp", "icmp"):
        metrics[f"transport_{protocol}_ratio"] = _share(metrics[f"{protocol}_cnt"], sessions)
    metrics["has_high_risk_port_activity"] = (metrics["high_risk_port_sessions_cnt"] > 0).astype(np.int64)


def _share(part: Values, whole: Values) -> NDArray[np.float64]:
    """The quotient; 0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros(whole.shape), where=whole != 0)


def _unless_unknown(values: Values, known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The values, NaN where the host has no history."""
    return np.where(known, values, np.nan)


def _segments(sums: HostEntries, n_hosts: int) -> pa.Array:
    row = np.zeros(n_hosts, dtype=np.int64)
    row[sums.owner // len(ROLES)] = np.arange(len(sums.owner))
    return sums.segment.take(pa.array(row))


def _context(window: Index, definition: Definition) -> dict[str, pa.Array]:
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
    """`working_hours` when the window starts inside working hours of a day that is no weekend day, else `off_hours`."""
    local = window.start.astimezone(ZoneInfo(project.time_zone))
    working = _between(local, project.working_hours) and local.isoweekday() not in project.weekend_days
    return "working_hours" if working else "off_hours"


def _between(moment: datetime, hours: tuple[int, int]) -> bool:
    return hours[0] <= moment.hour < hours[1]
