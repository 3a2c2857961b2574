"""Entries of the log are added one by one, by many at once, and none is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from common.lake.lake import Lake
from common.privacy.actions import ERASE, OPEN_CASE
from common.privacy.audit import TABLE, Entry, note
from tests.factories import SPEC
from tests.lakes import mark_lake


def test_an_entry_is_a_row(tmp_path: Path) -> None:
    mark_lake(tmp_path)
    lake = Lake(str(tmp_path), SPEC)
    entry = Entry(ERASE, "ann", "request 17", rows={"sessions": 3})
    note(lake, entry)
    (row,) = lake.arrow(TABLE).to_pylist()
    assert row == {
        "entry_id": entry.entry_id, "logged_ts": entry.logged_ts, "logged_by": "ann", "action": "erase",
        "reason": "request 17", "subject": None, "details": '{"sessions": 3}', "date": f"{entry.logged_ts:%Y-%m-%d}",
    }  # fmt: skip


def test_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    mark_lake(tmp_path)
    note(Lake(str(tmp_path), SPEC), Entry(OPEN_CASE, "ann", subject="first"))

    def add(number: int) -> None:
        note(Lake(str(tmp_path), SPEC), Entry(OPEN_CASE, "ann", subject=f"{number}"))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(12)))
    found = Lake(str(tmp_path), SPEC).arrow(TABLE, ["subject"])["subject"].to_pylist()
    assert sorted(found) == sorted(["first", *map(str, range(12))])
