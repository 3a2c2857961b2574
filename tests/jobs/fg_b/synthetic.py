"""FG-A rows and pair counts: a row of zeros with overrides, and random tables of many windows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from common.arrays import Floats
from common.contracts import tables
from common.windows import WINDOW, Windows
from tests import factories
from tests.factories import SPEC, pair_counts_row, window_columns
from tests.types import Row


def time_band(start: datetime) -> str:
    return "working_hours" if 7 <= start.hour < 17 else "off_hours"


def at(start: datetime) -> Windows:
    """The window that starts then."""
    return Windows(start, start + WINDOW)


def segment(address: str) -> str:
    """The /24 of an address."""
    return f"{address.rpartition('.')[0]}.0/24"


def fg_a_row(start: datetime, host_ip: str = "10.0.1.5", **overrides: Any) -> Row:
    """A row of zeros; overrides are columns, or metrics, which then hold for all roles and labels."""
    columns: Row = {}
    for name, value in overrides.items():
        if name in SPEC.metric_names:
            columns |= {SPEC.fg_a_name(role, name, label): value for role in SPEC.roles for label in SPEC.window_labels}
        else:
            columns[name] = value
    place = {"host_ip": host_ip, "segment_id": segment(host_ip), "time_band": time_band(start)}
    return factories.fg_a_row(SPEC, str(at(start)), **place | columns)


def pair_row(start: datetime, src_ip: str = "10.0.1.5", **overrides: Any) -> Row:
    """A row of the pair counts: one session with one destination in the middle of the window."""
    place = {"src_ip": src_ip, "dst_ip": "10.0.9.9", "segment_id": segment(src_ip), "event_ts": start + WINDOW / 2}
    return pair_counts_row(str(at(start)), **place | overrides)


def random_fg_a(windows: Windows, hosts: list[str], seed: int = 7, share: float = 1.0) -> pa.Table:
    """FG-A rows in which each host is active in that share of the windows, with values of each metric's kind."""
    rng = np.random.default_rng(seed)
    starts = [window.start for window in windows]
    active = rng.random((len(starts), len(hosts))) < share
    number, host = np.nonzero(active)
    count = len(number)
    addresses, moments = np.array(hosts)[host], np.array(starts, dtype=object)[number]
    level = rng.gamma(2.0, 2.0, len(hosts))[host]
    columns: dict[str, Any] = {
        "host_ip": addresses,
        "segment_id": [segment(address) for address in addresses],
        "time_band": [time_band(moment) for moment in moments],
    }
    for label, length in SPEC.window_labels.items():
        for role in SPEC.roles:
            for metric in SPEC.metrics:
                name = SPEC.fg_a_name(role, metric.name, label)
                columns[name] = _values(rng, metric.kind, level * length, count)
                if "lookback30d" in metric.name:
                    columns[name] = pa.array(columns[name], mask=rng.random(count) < 0.1)
    columns |= {name: np.zeros(count, dtype=np.int32) for name in SPEC.context}
    bounds = [window_columns(at(moment)) for moment in moments]
    columns |= {name: [bound[name] for bound in bounds] for name in bounds[0]}
    schema = tables(SPEC)["fg_a"].arrow
    return pa.table({name: pa.array(columns[name], schema.field(name).type) for name in schema.names})


def _values(rng: np.random.Generator, kind: str, level: Floats, count: int) -> Floats:
    if kind in ("count", "flag"):
        counts = rng.poisson(level).astype(float)
        return np.minimum(counts, 1) if kind == "flag" else counts
    if kind in ("bytes", "seconds"):
        return np.round(rng.lognormal(6, 1.5, count) * level)
    return rng.random(count)


def random_pairs(windows: Windows, hosts: list[str], per_window: int = 5, seed: int = 7) -> list[Row]:
    """Pair counts in which each host meets some of a few destinations in each window."""
    rng = np.random.default_rng(seed)
    return [
        pair_row(window.start, host, dst_ip=f"10.0.9.{dst}", sessions_cnt=int(rng.integers(1, 20)))
        for window in windows
        for host in hosts
        for dst in rng.choice(200, per_window, replace=False)
    ]
