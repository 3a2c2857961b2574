"""Host slices: what each internal host did in each window, by role."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa

from common.arrays import Floats, Integers
from common.contracts import QUANTILE_SOURCES, QUANTILES
from common.contracts.window_columns import WINDOW_MICROS, micros, window_columns
from common.features.spec import FeatureSpec
from common.windows import Windows
from jobs.delta.grouping import HostSessions
from jobs.delta.sums import MICROS

ROLES = pa.array(["outbound", "inbound"])
MINUTE_MICROS = 60 * MICROS
MOST_MINUTES = 1 << 20
"""So many minutes of hosts are counted at once."""


def host_slices(sessions: HostSessions, spec: FeatureSpec, windows: Windows) -> pa.Table:
    """One row per host, role and window, as `delta_host` declares it but for the partitions, with its `slice`."""
    heads = sessions.host_heads
    (hosts, segments), slices = sessions.addresses("host_ip", heads), sessions.of_groups("slice", heads)
    columns = {
        "host_ip": hosts,
        "role": role_names(sessions, heads),
        "segment_id": segments,
        "slice": slices,
        **window_columns(slices, windows),
        "max_sessions_per_minute": _busiest_minutes(sessions, windows),
    }
    for metric in spec.sums:
        added = sessions.host_sums(metric.name)
        columns[metric.name] = added / MICROS if metric.kind == "seconds" else added
    for source in QUANTILE_SOURCES:
        found = quantiles(np.where(sessions.is_traffic, sessions.values(source), np.nan), heads)
        for number, name in enumerate(QUANTILES):
            columns[f"{source}_{name}"] = pa.array(found[:, number], mask=np.isnan(found[:, number]))
    return pa.table(columns)


def role_names(sessions: HostSessions, heads: Integers) -> pa.DictionaryArray:
    """The role of each group."""
    return pa.DictionaryArray.from_arrays(pa.array(sessions.of_groups("is_inbound", heads)), ROLES)


def quantiles(values: Floats, heads: Integers) -> Floats:
    """The linearly interpolated quantiles of each group's values that are not NaN, `(n_groups, n_quantiles)`.

    NaN where a group has none.
    """
    counts = np.add.reduceat(~np.isnan(values), heads, dtype=np.int64)
    ordered = values.copy()
    for begin, end in pairwise([*heads.tolist(), len(values)]):
        ordered[begin:end].sort()  # NaN last
    position = np.maximum(counts - 1, 0)[:, None] * np.array(list(QUANTILES.values()))
    below = np.floor(position).astype(np.int64)
    low = heads[:, None] + below
    high = heads[:, None] + np.minimum(below + 1, np.maximum(counts - 1, 0)[:, None])
    found: Floats = ordered[low] + (ordered[high] - ordered[low]) * (position - below)
    found[counts == 0] = np.nan
    return found


def _busiest_minutes(sessions: HostSessions, windows: Windows) -> Integers:
    """The most sessions of each host slice that ended in one minute."""
    heads, ends = sessions.host_heads, sessions.ends
    lengths = np.diff(heads, append=len(ends))
    starts = micros(windows)[0] + sessions.of_groups("slice", heads) * WINDOW_MICROS
    minutes = ends // MINUTE_MICROS - np.repeat(starts // MINUTE_MICROS, lengths)
    distinct = np.unique(minutes)
    minutes = np.searchsorted(distinct, minutes)
    counted = sessions.counted("sessions_cnt") * sessions.repeats
    hosts = max(1, MOST_MINUTES // len(distinct))
    found = []
    for first in range(0, len(heads), hosts):
        some = lengths[first : first + hosts]
        rows = slice(heads[first], heads[first] + some.sum())
        place = np.repeat(np.arange(len(some)) * len(distinct), some) + minutes[rows]
        added = np.bincount(place, counted[rows], len(some) * len(distinct))
        found.append(added.reshape(-1, len(distinct)).max(axis=1))
    return np.concatenate(found).astype(np.int64)
