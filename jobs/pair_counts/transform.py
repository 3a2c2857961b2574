"""Pair slices to pair counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.addresses import are_internal
from common.arrays import Flags, Integers
from common.coded import encoded, positions
from common.contracts.window_columns import TIMESTAMP, WINDOW_MICROS, micros, window_columns
from common.pair_keys import PORT_BITS, first_of_each
from common.windows import Windows

CODED = ("host_ip", "role", "peer_ip", "segment_id", "peer_segment_id")
COLUMNS = (*CODED, "peer_port", "sessions_cnt", "last_end_ts", "window_start_ts")


def count_pairs(slices: pa.Table, windows: Windows, internal_cidrs: Sequence[str]) -> tuple[pa.Table, Integers]:
    """The rows of `pair_counts` of some windows, and the number of the window of each.

    One row per source, destination, service port and window; each session counts once: one between two internal hosts
    has a row in each role, and the inbound one is ignored.
    """
    inbound = positions(slices["role"], pa.array(["inbound"])) == 0
    counted = ~(inbound & _internal(slices["peer_ip"], internal_cidrs))
    slices, inbound = slices.filter(pa.array(counted)), inbound[counted]
    host, peer = encoded(slices["host_ip"]), encoded(slices["peer_ip"])
    segment = _source_segments(slices, inbound)
    window = (_micros(slices, "window_start_ts") - micros(windows)[0]) // WINDOW_MICROS

    shape = (len(host.dictionary), 2, len(peer.dictionary), 1 << PORT_BITS, len(windows))
    columns = (np.asarray(host.indices), inbound, np.asarray(peer.indices), slices["peer_port"].to_numpy(), window)
    keys = np.ravel_multi_index(tuple(column.astype(np.int64) for column in columns), shape)
    order = np.argsort(keys)
    heads = first_of_each(keys[order])
    host_number, from_outside, peer_number, port, window = np.unravel_index(keys[order[heads]], shape)
    hosts, peers = host.dictionary.take(pa.array(host_number)), peer.dictionary.take(pa.array(peer_number))
    is_outside = pa.array(from_outside == 1)
    rows = {
        "src_ip": pc.if_else(is_outside, peers, hosts),
        "dst_ip": pc.if_else(is_outside, hosts, peers),
        "dst_port": pa.array(port.astype(np.int32)),
        "segment_id": segment.dictionary.take(pa.array(np.maximum.reduceat(np.asarray(segment.indices)[order], heads))),
        "sessions_cnt": np.add.reduceat(slices["sessions_cnt"].to_numpy()[order], heads),
        "event_ts": pa.array(np.maximum.reduceat(_micros(slices, "last_end_ts")[order], heads)).cast(TIMESTAMP),
    }
    return pa.table(rows | window_columns(window, windows)), window


def _internal(peers: pa.ChunkedArray, internal_cidrs: Sequence[str]) -> Flags:
    """Whether the peer of each row is internal."""
    peer = encoded(peers)
    internal: Flags = are_internal(peer.dictionary, internal_cidrs)[np.asarray(peer.indices)]
    return internal


def _source_segments(slices: pa.Table, inbound: Flags) -> pa.DictionaryArray:
    """The segment of the source of each row, its texts in order."""
    both = encoded(pa.chunked_array([*slices["segment_id"].chunks, *slices["peer_segment_id"].chunks]))
    own, other = np.split(np.asarray(both.indices), 2)
    order = np.asarray(pc.sort_indices(both.dictionary))
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order))
    return pa.DictionaryArray.from_arrays(rank[np.where(inbound, other, own)], both.dictionary.take(pa.array(order)))


def _micros(rows: pa.Table, name: str) -> Integers:
    times: Integers = rows[name].to_numpy().view(np.int64)
    return times
