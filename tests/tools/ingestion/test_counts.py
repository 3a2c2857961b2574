"""Files and manifests are counted by date and state, and what waits too long is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tools.ingestion.counts import Counts, count

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
WAIT = timedelta(minutes=15)


def item(kind: str, status: str, minutes: float, date: str = "2026-03-10", **more: Any) -> dict[str, Any]:
    """An item that has been in its state for so many minutes."""
    at = f"{NOW - timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%S.%fZ}"
    about = {"date_prefix": date, "kind": kind, "status": status, "created_at": at, "updated_at": at}
    return {**about, "file_path": "s3://landing/a.ndjson", "id": "0f3a", "file_key": "k", **more}


def counted(*items: dict[str, Any]) -> Counts:
    return count(items, NOW, WAIT)


def test_each_state_is_counted_over_all_dates_and_of_each() -> None:
    found = counted(
        item("file", "pending", 2),
        item("file", "pending", 3, date="2026-03-09"),
        item("file", "completed", 90),
        item("manifest", "completed", 90),
        item("mark", "", 0),
    ).document(NOW, queue=4, dead_letters=0)
    assert {state: n for state, n in found["files"].items() if n} == {"pending": 2, "completed": 1}
    assert {state: n for state, n in found["manifests"].items() if n} == {"completed": 1}
    assert found["oldest_pending_seconds"] == 180
    assert found["dates"]["2026-03-09"] == {"files": {"pending": 1}, "manifests": {}}
    assert (found["queue"], found["late"]) == (4, [])


def test_an_empty_table_has_nothing_that_waits() -> None:
    found = counted().document(NOW, 0, 0)
    assert set(found["files"].values()) == set(found["manifests"].values()) == {0}
    assert found["oldest_pending_seconds"] is None


def test_the_holder_of_a_lock_is_shown() -> None:
    lock = {"date_prefix": "LOCK", "file_key": "2026-03-10", "kind": "lock", "lock_id": "b1"}
    assert counted(lock).locks == {"2026-03-10": "b1"}


@pytest.mark.parametrize(
    ("kind", "status", "minutes", "late"),
    [
        ("file", "pending", 19, False),  # 15 of waiting, and 5 for the sweep
        ("file", "pending", 21, True),
        ("file", "failed", 900, False),
        ("manifest", "claiming", 4, False),
        ("manifest", "claimed", 6, True),
        ("manifest", "manifested", 29, False),
        ("manifest", "manifested", 31, True),
        ("manifest", "processing", 479, False),
        ("manifest", "processing", 481, True),
        ("manifest", "completed", 900, False),
    ],
)
def test_what_waits_longer_than_it_should_is_late(kind: str, status: str, minutes: float, late: bool) -> None:
    assert bool(counted(item(kind, status, minutes)).late) is late
