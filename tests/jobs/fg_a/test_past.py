"""Days on which hosts had sessions before the run: which count, and of which services, peers and ports."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pyarrow as pa

from common.contracts import tables
from common.windows import Windows, parse_moment
from jobs.fg_a.past import COLUMNS, Past, past_pieces
from jobs.fg_a.timeline import Timeline
from tests.factories import SPEC, table_row
from tests.types import Row

TABLE = tables(SPEC)["pair_days"]
TIMELINE = Timeline(Windows.parse("2026-03-10T13:08Z"), {"w_15m": 1, "w_1h": 4}, lookback_days=2)
"""Its first slice starts on 10 March at 12:23, so the days from 8 March on count: bits 0, 1 and 2."""

HOSTS, PEERS = pa.array(["10.0.0.1", "10.0.0.2"]), pa.array(["192.0.2.1", "192.0.2.2"])


def day(first_slice: str, **overrides: object) -> Row:
    start: datetime = parse_moment(first_slice)
    base = {"host_ip": "10.0.0.1", "role": "outbound", "peer_ip": "192.0.2.1", "peer_port": 443}
    return table_row(TABLE, Windows.parse(first_slice), first_slice_ts=start, **base | overrides)


def past(*parts: list[Row]) -> Past:
    made = (pa.Table.from_pylist(rows, schema=TABLE.arrow).select(COLUMNS) for rows in parts)
    return past_pieces(made, HOSTS, PEERS, TIMELINE, TIMELINE.layout).between(0, len(HOSTS))


def days_of_service(found: Past, owner: int, peer: int, port: int) -> int:
    key = TIMELINE.layout.keys(*(np.array([value]) for value in (owner, peer, port, 0))) >> TIMELINE.layout.low_bits
    return int(found.services.at(key)[0])


def test_days_of_a_service_are_put_together_from_all_parts() -> None:
    found = past([day("2026-03-08T00:08Z"), day("2026-03-09T10:08Z", peer_port=80)], [day("2026-03-10T12:08Z")])
    assert days_of_service(found, owner=0, peer=0, port=443) == 0b101
    assert days_of_service(found, owner=0, peer=0, port=80) == 0b010
    assert days_of_service(found, owner=1, peer=0, port=443) == 0, "the other role"
    assert found.peers.days.tolist() == [0b111]


def test_a_day_whose_first_slice_belongs_to_the_run_does_not_count() -> None:
    assert days_of_service(past([day("2026-03-10T12:23Z")]), 0, 0, 443) == 0


def test_peers_of_the_history_alone_count_for_ports_and_hosts() -> None:
    found = past([day("2026-03-09T10:08Z", peer_ip="198.51.100.9"), day("2026-03-09T10:08Z", host_ip="10.9.9.9")])
    assert len(found.services.keys) == 0
    assert found.ports.days.tolist() == [0b010]
    assert found.of_hosts(2).tolist() == [0b010, 0]


def test_without_history() -> None:
    found = past()
    assert days_of_service(found, 0, 0, 443) == 0
    assert found.of_hosts(2).tolist() == [0, 0]
