"""The roll-up of pair slices by day."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from common.contracts import tables
from common.windows import Windows
from jobs.fg_a.history import COLUMNS, roll_up
from tests.factories import SPEC, table_row
from tests.types import Row

TABLE = tables(SPEC)["delta_pair"]
DAY = Windows.parse("2026-03-09T00:08Z/2026-03-10T00:08Z")
FIRST, SECOND, *_, LAST = DAY


def pair(window: Windows, sessions: int, **overrides: Any) -> Row:
    base = {"host_ip": "10.0.0.1", "role": "outbound", "peer_ip": "192.0.2.1", "peer_port": 443, "protocol": "tcp"}
    return table_row(TABLE, window, sessions_cnt=sessions, **base | overrides)


def rolled(*parts: list[Row]) -> list[Row]:
    slices = (pa.Table.from_pylist(rows, schema=TABLE.arrow).select(COLUMNS) for rows in parts)
    return sorted(roll_up(slices, DAY).to_pylist(), key=lambda row: (row["host_ip"], row["role"], row["peer_port"]))


def test_a_row_for_each_service_with_its_sessions_and_slices() -> None:
    ssl, quic = {"app": "ssl", "domain": "example.com"}, {"app": "quic", "domain": "example.org"}
    early = [
        pair(SECOND, 2, **quic), pair(SECOND, 3, protocol="udp", **quic), pair(FIRST, 1, **ssl),
        pair(FIRST, 9, role="inbound", app=None, domain=None),
    ]  # fmt: skip
    late = [pair(LAST, 4, **ssl), pair(LAST, 7, peer_port=80, **quic), pair(LAST, 8, host_ip="10.0.0.2", **ssl)]
    bounds = {"first_slice_ts": FIRST.start, "last_slice_ts": LAST.start}
    once = dict.fromkeys(bounds, LAST.start)
    key = {"host_ip": "10.0.0.1", "role": "outbound", "peer_ip": "192.0.2.1", "peer_port": 443}
    assert rolled(early, late) == [
        {**key, "role": "inbound", "app": None, "domain": None, "sessions_cnt": 9, "slices_cnt": 1}
        | dict.fromkeys(bounds, FIRST.start),
        {**key, "peer_port": 80, **quic, "sessions_cnt": 7, "slices_cnt": 1, **once},
        # 1 + 2 + 3 + 4 sessions in three slices; quic 2 + 3, ssl 1 + 4: of as many, the first by name
        {**key, "app": "quic", "domain": "example.com", "sessions_cnt": 10, "slices_cnt": 3, **bounds},
        {**key, "host_ip": "10.0.0.2", **ssl, "sessions_cnt": 8, "slices_cnt": 1, **once},
    ]
