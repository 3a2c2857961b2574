"""Pair slices: what each internal host did with each peer and service in each window, by role."""

from __future__ import annotations

from functools import reduce
from operator import or_

import numpy as np
import pyarrow as pa

from common.arrays import Floats, Integers
from common.contracts.columns import THREAT_SEVERITY
from common.contracts.window_columns import TIMESTAMP, window_columns
from common.windows import Windows
from jobs.delta.grouping import HostSessions, sorted_within
from jobs.delta.hosts import role_names
from jobs.delta.sums import INCOMPLETE, MICROS
from jobs.delta.words import APP, DOMAIN

PROTOCOLS = ("tcp", "udp", "icmp", "other")
SUMS = ("sessions_cnt", "bytes_src_sum", "bytes_dst_sum")
FAILURES = ("deny_cnt", "rst_cnt", "zero_reply_cnt")
"""The counts of `delta_host` whose sessions count as failed; those with app `incomplete` are the others."""


def pair_slices(sessions: HostSessions, windows: Windows) -> pa.Table:
    """One row per host, role, peer, protocol, service port and window, as `delta_pair` declares it but for the
    partitions, with its `slice`.
    """
    heads = sessions.pair_heads
    service, slices = (sessions.of_groups(name, heads) for name in ("service", "slice"))
    (hosts, segments), (peers, peer_segments) = (sessions.addresses(name, heads) for name in ("host_ip", "peer_ip"))
    failed = reduce(or_, (sessions.holds(name) for name in (*FAILURES, INCOMPLETE)))
    severity = sessions.highest_about(THREAT_SEVERITY.name)
    first, last, squares = gap_sums(sessions.values("start_micros"), heads)
    columns = {
        "host_ip": hosts,
        "role": role_names(sessions, heads),
        "peer_ip": peers,
        "segment_id": segments,
        "peer_segment_id": peer_segments,
        "protocol": pa.DictionaryArray.from_arrays(pa.array(service % len(PROTOCOLS)), pa.array(PROTOCOLS)),
        "peer_port": pa.array(service // len(PROTOCOLS), pa.int32()),
        APP: sessions.said_of_sessions(APP),
        DOMAIN: sessions.said_about(DOMAIN),
        THREAT_SEVERITY.name: pa.array(severity, pa.int32(), mask=severity == 0),
        "slice": slices,
        **window_columns(slices, windows),
        **{name: sessions.pair_sums(name) for name in SUMS},
        "failed_cnt": np.add.reduceat(failed * sessions.repeats, heads),
        "duration_sum": sessions.pair_sums("duration_sum") / MICROS,
        "first_ts": pa.array(first).cast(TIMESTAMP),
        "last_ts": pa.array(last).cast(TIMESTAMP),
        "last_end_ts": pa.array(np.maximum.reduceat(sessions.ends, heads)).cast(TIMESTAMP),
        "gap_sum_s": (last - first) / MICROS,
        "gap_sq_sum_s": squares,
    }
    rows = pa.table(columns)
    return rows if (service >= 0).all() else rows.filter(pa.array(service >= 0))


def gap_sums(starts: Integers, heads: Integers) -> tuple[Integers, Integers, Floats]:
    """First and last start (us) and the sum of squared gaps (s^2) of each group of session starts."""
    ordered = sorted_within(starts, heads)
    gaps = np.diff(ordered, prepend=ordered[:1]) / MICROS
    gaps[heads] = 0.0
    lasts = np.append(heads[1:], len(ordered)) - 1
    return ordered[heads], ordered[lasts], np.add.reduceat(gaps * gaps, heads)
