"""FG-A from sums: all features of some hosts and all windows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from common.arrays import Integers
from common.config.project import ProjectParameters
from common.contracts.types import Table
from common.contracts.window_columns import window_columns
from common.features.spec import FeatureSpec
from common.windows import Windows
from jobs.fg_a.host_sums import HostSums
from jobs.fg_a.metrics import Lookback, check_formulas, metric_values
from jobs.fg_a.pair_sums import PairSums
from jobs.fg_a.past import Past
from jobs.fg_a.sums import days_met, spreads
from jobs.fg_a.timeline import ROLES, Timeline


@dataclass(frozen=True)
class Definition:
    """The definition of a run: time axis, specification, project and table."""

    timeline: Timeline
    spec: FeatureSpec
    project: ProjectParameters
    table: Table

    def __post_init__(self) -> None:
        check_formulas(self.spec)


def fg_a_rows(sums: HostSums, pairs: PairSums, past: Past, definition: Definition) -> pa.Table:
    """The rows of `fg_a` for some hosts, one per host and window with activity."""
    timeline, spec = definition.timeline, definition.spec
    host, window = np.nonzero(sums.segments >= 0)
    columns: dict[str, pa.Array] = {}
    for label, lookback in _lookbacks(sums, pairs, past, definition).items():
        for name, values in metric_values(spec, lookback).items():
            for number, role in enumerate(ROLES):
                found = values[host * len(ROLES) + number, window].astype(np.float64)
                columns[spec.fg_a_name(role, name, label)] = pa.array(found, mask=np.isnan(found))
    columns |= _context(window, definition) | window_columns(window, timeline.windows)
    columns["host_ip"] = sums.hosts.take(pa.array(host))
    columns["segment_id"] = sums.segment_ids.take(pa.array(sums.segments[host, window]))
    schema = definition.table.arrow
    return pa.table([columns[name].cast(schema.field(name).type) for name in schema.names], schema=schema)


def _lookbacks(sums: HostSums, pairs: PairSums, past: Past, definition: Definition) -> dict[str, Lookback]:
    """The input of the metrics, by label."""
    timeline, rare_days = definition.timeline, definition.spec.rare_days
    totals, peaks = sums.totals(), sums.peaks()
    peers = spreads(pairs.by_peer(past), timeline, rare_days)
    ports = spreads(pairs.by_port(past), timeline, rare_days)
    services = spreads(pairs.by_peer_and_port(past), timeline, rare_days, shape_wanted=False)
    counting = {"shape_wanted": False, "novelty_wanted": False}
    segments = spreads(pairs.by_segment(), timeline, rare_days, **counting)
    risky_peers = spreads(pairs.by_risky_peer(), timeline, rare_days, **counting)
    history = days_met(pairs.present(timeline), past.of_hosts(len(sums.hosts)), timeline) > 0
    known = np.repeat(history, len(ROLES), axis=0)
    return {
        label: Lookback(
            sums=totals[label],
            peak=peaks[label],
            peers=peers[label],
            ports=ports[label],
            segments=segments[label],
            services=services[label],
            risky_peers=risky_peers[label],
            known=known[:, timeline.starts(label)],
        )
        for label in timeline.labels
    }


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
