"""A part of a table is replaced: all of it, nothing else, whatever comes between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError
from pyspark.sql import DataFrame

from common.errors import CommitError, TableError
from common.lake import replacement, streamed_file
from common.lake.lake import Lake
from common.lake.table_files import TableFiles, as_rows, from_rows
from common.windows import Windows
from tests.conftest import Stages
from tests.factories import SPEC, fg_a_row, fg_a_table, pair_counts_row, pair_counts_table

DAY = list(Windows.parse("2026-03-10T13:08Z/2026-03-10T14:08Z"))
FIRST, SECOND, THIRD, FOURTH = DAY


def counted(stages: Stages, *windows: Windows, **overrides: Any) -> DataFrame:
    """A row of `pair_counts`, which is partitioned by window, for each of the windows."""
    rows = [pair_counts_row(str(window), **overrides) for window in windows]
    return stages.session.createDataFrame(pair_counts_table(SPEC, *rows))


def featured(stages: Stages, *windows: Windows, host: str) -> DataFrame:
    """A row of `fg_a`, which is partitioned by date alone, for each of the windows; in one file."""
    rows = [fg_a_row(SPEC, str(window), host_ip=host) for window in windows]
    return stages.session.createDataFrame(fg_a_table(SPEC, *rows)).coalesce(1)


def hosts(lake: Lake) -> list[tuple[str, str]]:
    rows = lake.arrow("fg_a", ["window", "host_ip"]).to_pylist()
    return sorted((row["window"], row["host_ip"]) for row in rows)


def counts(lake: Lake) -> list[tuple[str, int]]:
    rows = lake.arrow("pair_counts", ["window", "sessions_cnt"]).to_pylist()
    return sorted((row["window"], row["sessions_cnt"]) for row in rows)


def assert_no_file_is_left(stages: Stages, name: str) -> None:
    """The files in the folder are those that a version of the table has; only the table itself has a log."""
    folder = stages.folder / name
    held = {path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet") if "_delta_log" not in path.parts}
    versions = [DeltaTable(folder, version) for version in range(stages.lake.version(name) + 1)]
    assert held == {path for table in versions for path in pa.table(table.get_add_actions())["path"].to_pylist()}
    assert list(folder.rglob("_delta_log")) == [folder / "_delta_log"]


@pytest.mark.parity
def test_windows_of_a_file_that_has_others_too(stages: Stages) -> None:
    lake = stages.lake
    assert lake.replace("fg_a", featured(stages, *DAY, host="10.1.1.1"), Windows(FIRST.start, FOURTH.end)) == (1, 4)
    middle = Windows(SECOND.start, THIRD.end)
    assert lake.replace("fg_a", featured(stages, SECOND, THIRD, host="10.1.1.2"), middle) == (2, 2)
    expected = [(FIRST.key, "10.1.1.1"), (SECOND.key, "10.1.1.2"), (THIRD.key, "10.1.1.2"), (FOURTH.key, "10.1.1.1")]
    assert hosts(lake) == expected
    assert lake.replace("fg_a", featured(stages, THIRD, host="10.1.1.3"), middle) == (3, 1)
    assert hosts(lake) == [expected[0], (THIRD.key, "10.1.1.3"), expected[3]]
    assert lake.read("fg_a").count() == lake.count("fg_a") == 3
    assert_no_file_is_left(stages, "fg_a")


def test_files_replace_windows_of_a_file_that_has_others_too(stages: Stages) -> None:
    lake = stages.lake

    def replace(part: Windows, host: str) -> int:
        files = TableFiles(lake.location("fg_a"), lake.table("fg_a"))
        files.write(fg_a_table(SPEC, *(fg_a_row(SPEC, str(one), host_ip=host) for one in part)), {"date": "2026-03-10"})
        return lake.replace_files("fg_a", from_rows(as_rows(files.actions)), part)

    assert replace(Windows(FIRST.start, FOURTH.end), "10.1.1.1") == 1
    assert replace(Windows(SECOND.start, THIRD.end), "10.1.1.2") == 2
    expected = [(FIRST.key, "10.1.1.1"), (SECOND.key, "10.1.1.2"), (THIRD.key, "10.1.1.2"), (FOURTH.key, "10.1.1.1")]
    assert hosts(lake) == expected
    assert replace(THIRD, "10.1.1.3") == 3
    assert [host for _, host in hosts(lake)] == ["10.1.1.1", "10.1.1.2", "10.1.1.3", "10.1.1.1"]
    assert_no_file_is_left(stages, "fg_a")


@pytest.mark.slow
def test_a_window_in_a_file_of_its_own_leaves_the_other_files_alone(stages: Stages) -> None:
    lake = stages.lake
    for window in DAY:
        lake.replace("fg_a", featured(stages, window, host="10.1.1.1"), window)
    before = lake.file_paths("fg_a")
    lake.replace("fg_a", featured(stages, SECOND, host="10.1.1.2"), SECOND)
    assert len(before - lake.file_paths("fg_a")) == 1
    assert [host for _, host in hosts(lake)] == ["10.1.1.1", "10.1.1.2", "10.1.1.1", "10.1.1.1"]


@pytest.mark.slow
def test_a_table_whose_log_says_nothing_of_windows(stages: Stages) -> None:
    """Earlier releases had tables whose windows came behind the columns with statistics."""
    lake = stages.lake
    lake.ensure("fg_a")
    lake.delta("fg_a").alter.set_table_properties({"delta.dataSkippingNumIndexedCols": "0"})
    lake.replace("fg_a", featured(stages, FIRST, SECOND, host="10.1.1.1"), Windows(FIRST.start, SECOND.end))
    assert lake.replace("fg_a", featured(stages, SECOND, host="10.1.1.2"), SECOND) == (3, 1)
    assert hosts(lake) == [(FIRST.key, "10.1.1.1"), (SECOND.key, "10.1.1.2")]


@pytest.mark.parity
def test_no_rows_empty_the_windows(stages: Stages) -> None:
    lake = stages.lake
    lake.replace("pair_counts", counted(stages, FIRST, SECOND), Windows(FIRST.start, SECOND.end))
    assert lake.replace("pair_counts", counted(stages, FIRST).limit(0), FIRST) == (2, 0)
    assert [window for window, _ in counts(lake)] == [SECOND.key]
    assert_no_file_is_left(stages, "pair_counts")


@pytest.mark.parametrize("name", ["fg_a", "pair_counts"])
def test_rows_outside_of_the_part_are_refused(stages: Stages, name: str) -> None:
    frames = {"fg_a": featured(stages, FIRST, SECOND, host="10.1.1.1"), "pair_counts": counted(stages, FIRST, SECOND)}
    with pytest.raises(TableError, match="outside of date >= '2026-03-10' AND date <= '2026-03-10' AND window >= "):
        stages.lake.replace(name, frames[name], FIRST)
    assert stages.lake.version(name) == 0
    assert_no_file_is_left(stages, name)


def cut_file(lake: Lake) -> str:
    """The path of a file of `fg_a` with the windows of the day, two hosts each."""
    rows = [fg_a_row(SPEC, str(one), host_ip=host) for one in DAY for host in ("10.1.1.1", "10.1.1.2")]
    files = TableFiles(lake.location("fg_a"), lake.table("fg_a"))
    files.write(fg_a_table(SPEC, *rows), {"date": "2026-03-10"})
    lake.replace_files("fg_a", files.actions, Windows(FIRST.start, FOURTH.end))
    return str(files.actions[0].path)


def second_again(lake: Lake, host: str) -> int:
    files = TableFiles(lake.location("fg_a"), lake.table("fg_a"))
    files.write(fg_a_table(SPEC, fg_a_row(SPEC, str(SECOND), host_ip=host)), {"date": "2026-03-10"})
    return lake.replace_files("fg_a", files.actions, SECOND)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path), SPEC)


def test_a_window_of_a_file_with_others_costs_the_file_once(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read three rows at a time, so that reads and windows do not begin together."""
    monkeypatch.setattr(replacement, "ROWS_PER_READ", 3)
    monkeypatch.setattr(streamed_file, "BYTES_AT_ONCE", 1)
    cut = cut_file(lake)
    whole = {row for row in hosts(lake) if row[0] != SECOND.key}
    assert second_again(lake, "10.1.1.3") == 2
    assert set(hosts(lake)) == whole | {(SECOND.key, "10.1.1.3")} and lake.count("fg_a") == 7
    others = set(lake.files("fg_a")["path"].to_pylist())
    bounds = sorted(zip(*(lake.files("fg_a")[f"{side}.window"].to_pylist() for side in ("min", "max")), strict=True))
    assert bounds == [(FIRST.key, FIRST.key), (SECOND.key, SECOND.key), (THIRD.key, FOURTH.key)]
    with patch.object(pq.ParquetFile, "iter_batches", side_effect=AssertionError("a file is read")):
        assert second_again(lake, "10.1.1.4") == 3
    now = set(lake.files("fg_a")["path"].to_pylist())
    assert (len(others & now), cut in others | now) == (2, False)
    assert set(hosts(lake)) == whole | {(SECOND.key, "10.1.1.4")}


def test_files_of_other_windows_are_removed_if_the_commit_fails(lake: Lake) -> None:
    cut = cut_file(lake)
    with commits(DeltaError("connection closed"), after=False), pytest.raises(CommitError, match="connection closed"):
        second_again(lake, "10.1.1.3")
    assert [path.name for path in Path(lake.location("fg_a")).rglob("*.parquet")] == [cut.rpartition("/")[2]]
    assert lake.count("fg_a") == 8


def test_a_file_that_cannot_be_written_leaves_none(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file of the windows after fails, when that of those before is complete."""
    cut = cut_file(lake)
    finish, finished = streamed_file.StreamedFile._flush, list[str]()

    def full(file: streamed_file.StreamedFile) -> None:
        finished.append(file.path)
        if len(finished) == 2:
            raise OSError("No space left on device")
        finish(file)

    monkeypatch.setattr(streamed_file.StreamedFile, "_flush", full)
    with pytest.raises(CommitError, match="is full"):
        second_again(lake, "10.1.1.3")
    assert len(finished) == 2
    assert [path.name for path in Path(lake.location("fg_a")).rglob("*.parquet")] == [cut.rpartition("/")[2]]


@pytest.mark.parametrize("after", [True, False])
def test_other_windows_are_written_once_for_all_tries(lake: Lake, after: bool) -> None:
    cut_file(lake)
    with commits(CommitFailedError("Failed to commit transaction: 0"), after=after):
        assert second_again(lake, "10.1.1.3") == 2
    assert lake.count("fg_a") == 7
    assert len(list(Path(lake.location("fg_a")).rglob("*.parquet"))) == 4  # with the one that was cut


def test_a_file_that_another_writer_cuts_meanwhile_keeps_its_rows(lake: Lake) -> None:
    cut_file(lake)
    between = [lambda: second_again(lake, "10.1.1.9")]
    commit = DeltaTable.create_write_transaction

    def overtaken(table: DeltaTable, *arguments: Any, **options: Any) -> None:
        if between:
            between.pop()()
        commit(table, *arguments, **options)

    with patch.object(DeltaTable, "create_write_transaction", overtaken):
        assert second_again(lake, "10.1.1.3") == 3
    assert (SECOND.key, "10.1.1.9") not in hosts(lake) and (SECOND.key, "10.1.1.3") in hosts(lake)
    assert lake.count("fg_a") == 7
    stored = {path.name for path in Path(lake.location("fg_a")).rglob("*.parquet")}
    assert len(stored) == 5  # three of the table, the one that was cut, and the window that was overtaken


@contextmanager
def commits(answer: Exception, *, after: bool) -> Iterator[None]:
    """Gives this answer to the first commit of the block, after it was made or in its place."""
    commit, asked = DeltaTable.create_write_transaction, []

    def failing(table: DeltaTable, *arguments: Any, **options: Any) -> None:
        asked.append(table)
        if after or len(asked) > 1:
            commit(table, *arguments, **options)
        if len(asked) == 1:
            raise answer

    with patch.object(DeltaTable, "create_write_transaction", failing):
        yield


def test_a_commit_whose_answer_is_lost_is_found(stages: Stages) -> None:
    lake = stages.lake
    with commits(CommitFailedError("Failed to commit transaction: 0"), after=True):
        assert lake.replace("pair_counts", counted(stages, FIRST, sessions_cnt=3), FIRST) == (1, 1)
    assert counts(lake) == [(FIRST.key, 3)]
    with commits(DeltaError("connection closed"), after=True), pytest.raises(CommitError, match="connection closed"):
        lake.replace("pair_counts", counted(stages, FIRST, sessions_cnt=4), FIRST)
    assert counts(lake) == [(FIRST.key, 4)]
    assert_no_file_is_left(stages, "pair_counts")


def test_a_commit_that_fails_leaves_nothing(stages: Stages) -> None:
    lake = stages.lake
    with commits(DeltaError("connection closed"), after=False), pytest.raises(CommitError, match="connection closed"):
        lake.replace("pair_counts", counted(stages, FIRST), FIRST)
    assert lake.version("pair_counts") == 0
    assert_no_file_is_left(stages, "pair_counts")


def test_of_two_writers_of_a_window_the_later_one_wins(stages: Stages) -> None:
    """The other one's commit comes after this one has read the table, which had no rows of the window."""
    lake, other, read = stages.lake, stages.lake, Lake.delta
    between = [lambda: other.replace("pair_counts", counted(stages, FIRST, sessions_cnt=1), FIRST)]
    lake.ensure("pair_counts")

    def delta(self: Lake, name: str) -> DeltaTable:
        table = read(self, name)
        if self is lake and between:
            between.pop()()
        return table

    with patch.object(Lake, "delta", delta):
        assert lake.replace("pair_counts", counted(stages, FIRST, sessions_cnt=2), FIRST) == (2, 1)
    assert counts(lake) == [(FIRST.key, 2)]
    assert_no_file_is_left(stages, "pair_counts")
