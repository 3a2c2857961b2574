"""Pair slices to pair counts: each session once, by its source."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from common.config.project import ProjectParameters
from common.contracts import tables
from common.windows import WINDOW, Windows
from jobs.pair_counts.transform import count_pairs
from tests.factories import SPEC, table_row
from tests.types import Row

TABLES = tables(SPEC)
RANGE = Windows.parse("2026-03-10T13:08Z/2026-03-10T13:38Z")
FIRST, SECOND = RANGE
PROJECT = ProjectParameters(internal_cidrs=("10.0.0.0/8",))


def pair(window: Windows = FIRST, **overrides: Any) -> Row:
    """A pair slice: two sessions of 10.0.0.1 with 198.51.100.7 over TCP 443."""
    base = {
        "host_ip": "10.0.0.1", "role": "outbound", "peer_ip": "198.51.100.7", "protocol": "tcp", "peer_port": 443,
        "segment_id": "10.0.0.0/24", "peer_segment_id": "198.51.100.0/24", "sessions_cnt": 2,
    }  # fmt: skip
    return table_row(TABLES["delta_pair"], window, **base | overrides)


def counted(*slices: Row) -> list[Row]:
    rows = pa.Table.from_pylist(slices, schema=TABLES["delta_pair"].arrow)
    found, window = count_pairs(rows, RANGE, PROJECT.internal_cidrs)
    assert [list(RANGE)[number].key for number in window] == found["window"].to_pylist()
    found = found.select(TABLES["pair_counts"].column_names).cast(TABLES["pair_counts"].arrow)
    return sorted(found.to_pylist(), key=lambda row: (row["window"], row["src_ip"], row["dst_ip"]))


def test_protocols_of_a_port_are_added_up() -> None:
    later = FIRST.start + WINDOW / 3
    (row,) = counted(pair(), pair(protocol="udp", sessions_cnt=3, last_end_ts=later))
    assert row == {
        "src_ip": "10.0.0.1", "dst_ip": "198.51.100.7", "dst_port": 443, "segment_id": "10.0.0.0/24",
        "sessions_cnt": 5, "event_ts": later, "window_start_ts": FIRST.start, "window_end_ts": FIRST.end,
        "date": "2026-03-10", "window": FIRST.key,
    }  # fmt: skip


def test_sessions_between_internal_hosts_are_counted_once() -> None:
    inside: Row = {"peer_ip": "10.0.0.2", "peer_segment_id": "10.0.0.0/24"}
    other_side = pair(host_ip="10.0.0.2", role="inbound", peer_ip="10.0.0.1", peer_segment_id="10.0.0.0/24")
    (row,) = counted(pair(**inside), other_side)
    assert (row["src_ip"], row["dst_ip"], row["sessions_cnt"]) == ("10.0.0.1", "10.0.0.2", 2)


def test_sessions_from_outside_have_the_outer_address_as_their_source() -> None:
    (row,) = counted(pair(role="inbound"))
    assert (row["src_ip"], row["dst_ip"], row["segment_id"]) == ("198.51.100.7", "10.0.0.1", "198.51.100.0/24")


def test_windows_of_a_range_are_kept_apart() -> None:
    rows = counted(pair(), pair(SECOND, sessions_cnt=7))
    assert [(row["window"], row["sessions_cnt"]) for row in rows] == [(FIRST.key, 2), (SECOND.key, 7)]
