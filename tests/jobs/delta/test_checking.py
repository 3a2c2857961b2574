"""Which records of canonical Parquet files count as they are."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from common.windows import Windows
from jobs.delta.checking import checked
from jobs.delta.kept import Scanned, parts_of
from tests.conftest import write_sessions
from tests.factories import session, sessions, threat, utc

WINDOW = Windows.parse("2026-03-10T13:08Z")
RANGE = Windows(WINDOW.start, WINDOW.end + (WINDOW.end - WINDOW.start))
LATENESS = timedelta(minutes=15)


def counts(path: str, windows: Windows = WINDOW) -> list[dict[str, int]]:
    found: list[dict[str, int]] = []
    for part in parts_of(Scanned((path,), windows).pieces()):
        found += checked(part, LATENESS).to_pylist()
    return found


@pytest.mark.parametrize(
    ("changed", "good"),
    [
        ({}, True),
        ({"subtype": None}, True),
        ({"subtype": "start"}, False),
        ({"src_ip": "10.1.4.256"}, False),
        ({"src_ip": "10.1.04.2"}, False),
        ({"dst_ip": "2001:db8::1"}, False),
        ({"dst_port": 65_535, "src_port": 0}, True),
        ({"dst_port": 65_536}, False),
        ({"src_port": -1}, False),
        ({"protocol": "icmp"}, False),
        ({"repeat_count": 0}, False),
        ({"duration_s": -0.5}, False),
        ({"duration_s": float("nan")}, False),
        ({"bytes_sent": None, "packets_received": None}, True),
        ({"bytes_received": -1}, False),
        ({"start_ts": None}, False),
        ({"sequence_number": None}, True),
        ({"sequence_number": None, "session_id": "0"}, False),
        ({"sequence_number": None, "session_id": None}, False),
        ({"device_serial": None}, True),
    ],
    ids=str,
)
def test_a_record_is_valid(tmp_path: Path, changed: dict[str, Any], good: bool) -> None:
    rows = sessions(session(source_line=1), session(source_line=2) | changed)
    (found,) = counts(write_sessions(rows, tmp_path / "in.parquet"))
    assert found == {"read": 2, "good": 1 + good, "inside": 1 + good}


def test_a_threat_is_none(tmp_path: Path) -> None:
    path = write_sessions(sessions(session(), threat()), tmp_path / "in.parquet")
    assert counts(path) == [{"read": 2, "good": 1, "inside": 1}]


@pytest.mark.parametrize(
    ("end", "logged", "in_window", "in_range"),
    [
        ("2026-03-10T13:08:00", None, True, True),
        ("2026-03-10T12:53:00", None, True, False),
        ("2026-03-10T12:52:59", None, False, False),
        ("2026-03-10T13:38:00", None, True, False),
        ("2026-03-10T13:37:59", None, True, True),
        ("2026-03-10T13:38:01", None, False, False),
        ("2026-03-10T10:00:00", "2026-03-10T13:10:00", True, False),
        ("2026-03-10T13:10:00", "2026-03-10T14:00:00", False, True),
    ],
)
def test_a_record_lies_within_the_lateness_of_a_window_or_ends_in_a_range(
    tmp_path: Path, end: str, logged: str | None, in_window: bool, in_range: bool
) -> None:
    row = session(end_ts=end) | {"log_ts": utc(logged) if logged else None}
    path = write_sessions(sessions(row), tmp_path / "in.parquet")
    assert counts(path) == [{"read": 1, "good": 1, "inside": int(in_window)}]
    assert counts(path, RANGE) == [{"read": 1, "good": 1, "inside": int(in_range)}]


def test_nothing_of_a_damaged_file_is_valid(tmp_path: Path) -> None:
    path = Path(write_sessions(sessions(session(), session()), tmp_path / "in.parquet"))
    data = bytearray(path.read_bytes())
    data[4:400] = b"\xff" * 396
    path.write_bytes(data)
    assert counts(str(path)) == [{"read": 2, "good": 0, "inside": 0}]
