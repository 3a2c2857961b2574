"""The lake of a simulated office gets days of pairs before those that it has."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow.compute as pc

from bench.office import DAYS, add_days
from common.lake.lake import Lake
from tests.factories import SPEC
from tests.lakes import write_table
from tests.types import Row

LAST = date(2026, 3, 8)


def row(day: date, peer: str) -> Row:
    seen = datetime(day.year, day.month, day.day, 9, 8, tzinfo=UTC)
    pair = {"host_ip": "10.0.0.1", "segment_id": "10.0.0.0/24", "role": "outbound", "peer_ip": peer, "peer_port": 443}
    counted = {"sessions_cnt": 3, "slices_cnt": 2, "first_slice_ts": seen, "last_slice_ts": seen + timedelta(hours=1)}
    return {**pair, **counted, "peer_segment_id": "x", "source_digest": "0" * 16, "date": f"{day}"}


def test_earlier_days_repeat_those_that_are_there(tmp_path: Path) -> None:
    write_table(tmp_path, "pair_days", [row(LAST - timedelta(days=1), "1.1.1.1"), row(LAST, "2.2.2.2")])
    lake = Lake(str(tmp_path), SPEC)
    add_days(lake)
    found = lake.arrow("pair_days", windows=None).sort_by("date")
    first = LAST - timedelta(days=DAYS - 1)
    assert found["date"].to_pylist() == [f"{first + timedelta(days=number)}" for number in range(DAYS)]
    assert found["peer_ip"].to_pylist() == ["1.1.1.1", "2.2.2.2"] * (DAYS // 2)
    assert pc.strftime(found["first_slice_ts"], "%Y-%m-%d").to_pylist() == found["date"].to_pylist()
    length = pc.subtract(found["last_slice_ts"], found["first_slice_ts"]).unique().to_pylist()
    assert length == [timedelta(hours=1)]
