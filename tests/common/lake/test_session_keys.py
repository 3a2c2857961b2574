"""Keys are a file for each run and past day, of which a claim reads only what may matter."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

from common.lake import table_files
from common.lake.lake import Lake
from common.lake.session_keys import LATE, ON_TIME, SCHEMA, TABLE, KeyFiles, SessionKeys
from common.runtime.lake_project import lake_project
from common.windows import WINDOW, Windows
from jobs.maintain.config import MaintainConfig
from jobs.maintain.job import run as maintain
from tests.factories import SPEC
from tests.lakes import mark_lake

DAY = list(Windows.parse("2026-03-10T00:08Z/2026-03-11T00:08Z"))
COUNT = 50


def keys(number: int, count: int = COUNT) -> pa.Table:
    """Keys of a window, none of which another window has."""
    return pa.table({"key_high": np.arange(count), "key_low": np.full(count, number)}, schema=SCHEMA)


def around(number: int) -> list[Windows]:
    """The windows beside the one with that number."""
    one = DAY[number]
    return [Windows(one.start - WINDOW, one.start), Windows(one.end, one.end + WINDOW)]


def claim(lake: Lake, number: int, count: int = COUNT) -> None:
    """Commits keys of a window, the last of which is late."""
    held = SessionKeys(lake, DAY[number], around(number))
    files = KeyFiles(lake.location(TABLE), lake.table(TABLE), DAY[number])
    files.add(keys(number, count), np.zeros(count, np.int64), np.arange(count) == count - 1)
    files.flush()
    assert held.commit(held.snapshot(), files.actions)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A day of windows."""
    mark_lake(tmp_path)
    lake = Lake(str(tmp_path), SPEC)
    for number in range(0, 12):
        claim(lake, number)
    return lake


@pytest.fixture
def kept_up(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """The day in one file, with a row group for each window."""
    monkeypatch.setattr("common.lake.streamed_file.rows_of_group", lambda _: COUNT)
    moment = datetime.fromisoformat("2026-03-11T03:30Z")
    maintain(MaintainConfig(lake.uri, lake_project(lake.uri), None, (TABLE,), {}, False), moment)
    assert lake.files(TABLE).num_rows == 1
    return lake


def content(lake: Lake) -> dict[str, int]:
    """The number of keys of each window."""
    rows = lake.arrow(TABLE, ["window"])["window"].value_counts().to_pylist()
    return {row["values"]: row["counts"] for row in rows}


@pytest.fixture
def groups_read() -> Iterator[list[int]]:
    """The numbers of the row groups that are read."""
    read, found = pq.ParquetFile.read_row_group, list[int]()

    def noted(file: pq.ParquetFile, number: int, *arguments: object, **options: object) -> pa.Table:
        found.append(number)
        return read(file, number, *arguments, **options)

    with patch.object(pq.ParquetFile, "read_row_group", noted):
        yield found


def test_a_window_has_one_file_with_late_keys_last(lake: Lake) -> None:
    assert lake.files(TABLE).num_rows == len(content(lake)) == 12
    rows = lake.arrow(TABLE, ["arrival"], DAY[3])["arrival"].to_pylist()
    assert rows == [ON_TIME] * (COUNT - 1) + [LATE]


def test_late_keys_are_read_without_the_row_groups_of_the_others(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, groups_read: list[int]
) -> None:
    monkeypatch.setattr(table_files, "rows_of_group", lambda _: COUNT)
    claim(lake, 4, 10 * COUNT)
    late = SessionKeys(lake, DAY[5], around(5)).snapshot().late
    assert late.to_pylist() == [{"key_high": 10 * COUNT - 1, "key_low": 4}, {"key_high": COUNT - 1, "key_low": 6}]
    assert set(groups_read) == {9, 0}


def test_a_claim_in_a_past_day_reads_its_neighbours_alone(kept_up: Lake, groups_read: list[int]) -> None:
    snapshot = SessionKeys(kept_up, DAY[5], around(5)).snapshot()
    assert snapshot.windows == [DAY[4].key, DAY[6].key]
    assert sorted(row["key_low"] for row in snapshot.late.to_pylist()) == [4, 6]
    mixed = pa.concat_tables([keys(4), keys(5), keys(6), keys(7)])
    assert set(snapshot.among(mixed)["key_low"].to_pylist()) == {4, 6}
    assert set(groups_read) == {4, 6}


def test_a_window_of_a_past_day_is_claimed_again_and_then_costs_itself(kept_up: Lake) -> None:
    (day,) = kept_up.files(TABLE)["path"].to_pylist()
    claim(kept_up, 5, 7)
    expected = dict.fromkeys((DAY[number].key for number in range(12)), COUNT) | {DAY[5].key: 7}
    assert content(kept_up) == expected
    before = set(kept_up.files(TABLE)["path"].to_pylist())
    assert (len(before), day in before) == (3, False)
    claim(kept_up, 5, 9)
    assert content(kept_up) == expected | {DAY[5].key: 9}
    assert len(before & set(kept_up.files(TABLE)["path"].to_pylist())) == 2


def test_a_claim_that_is_overtaken_leaves_no_file(kept_up: Lake) -> None:
    held = SessionKeys(kept_up, DAY[5], around(5))
    seen = held.snapshot()
    claim(kept_up, 6, 3)
    stored = {path.name for path in Path(kept_up.location(TABLE)).rglob("*.parquet")}
    assert not held.commit(seen, [])
    assert {path.name for path in Path(kept_up.location(TABLE)).rglob("*.parquet")} == stored
    assert content(kept_up)[DAY[6].key] == 3


def test_a_claim_whose_answer_is_lost_is_found(lake: Lake) -> None:
    commit = DeltaTable.create_write_transaction
    held = SessionKeys(lake, DAY[20], around(20))
    files = KeyFiles(lake.location(TABLE), lake.table(TABLE), DAY[20])
    files.add(keys(20), np.zeros(COUNT, np.int64), np.zeros(COUNT, bool))
    files.flush()

    def lost(*arguments: object, **options: object) -> None:
        commit(*arguments, **options)
        raise CommitFailedError("Failed to commit transaction: 0")

    with patch.object(DeltaTable, "create_write_transaction", lost):
        assert not held.commit(held.snapshot(), files.actions)
    version = lake.version(TABLE)
    assert held.commit(held.snapshot(), files.actions)
    assert (lake.version(TABLE), content(lake)[DAY[20].key]) == (version, COUNT)
