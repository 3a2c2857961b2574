"""A lake in threads and in other processes: each table is opened once, and followed to what others commit."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from common.errors import TableError
from common.lake.lake import Lake
from common.lake.reader import LakeReader
from common.lake.window_files import window_files
from common.lake.window_rows import rows_by_window
from common.windows import Windows
from tests.factories import SPEC, pair_counts_row, pair_counts_table

TABLE = "pair_counts"
WINDOWS = [Windows.parse(f"2026-03-10T13:{minute}Z") for minute in ("08", "23", "38")]


def write(lake: Lake, window: Windows, count: int) -> None:
    rows = pair_counts_table(SPEC, pair_counts_row(str(window), sessions_cnt=count))
    with window_files(lake, TABLE, window) as files:
        files.add(rows)
        files.flush()
        lake.replace_files(TABLE, files.actions, window)


def counts(lake: LakeReader) -> list[int]:
    return sorted(lake.arrow(TABLE, ["sessions_cnt"])["sessions_cnt"].to_pylist())


def test_a_table_is_opened_once_and_followed_to_the_commits_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, other = Lake(str(tmp_path), SPEC), Lake(str(tmp_path), SPEC)
    write(lake, WINDOWS[0], 1)
    opened: list[str] = []
    delta = LakeReader.delta

    def noted(self: LakeReader, name: str) -> DeltaTable:
        if self is lake:
            opened.append(name)
        return delta(self, name)

    monkeypatch.setattr(LakeReader, "delta", noted)
    with ThreadPoolExecutor(4) as pool:
        for window, count in ((WINDOWS[1], 2), (WINDOWS[0], 3)):
            write(other, window, count)
            assert [*pool.map(counts, [lake] * 8)] == [counts(other)] * 8
    write(lake, WINDOWS[2], 4)
    assert (counts(lake), opened) == ([2, 3, 4], [])


def test_a_lake_that_is_handed_to_another_process_reads_there_and_has_nothing_open(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path), SPEC)
    write(lake, WINDOWS[0], 1)
    handed = pickle.loads(pickle.dumps(lake))
    assert (type(handed), handed.uri, handed.spec) == (LakeReader, lake.uri, SPEC)
    write(lake, WINDOWS[1], 2)
    assert counts(handed) == counts(lake) == [1, 2]


def test_a_table_that_is_open_and_gone_is_missing(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path), SPEC)
    write(lake, WINDOWS[0], 1)
    assert counts(lake) == [1]
    (tmp_path / TABLE).rename(tmp_path / "elsewhere")
    with pytest.raises(TableError, match=f"table {TABLE}"):
        lake.arrow(TABLE)


def test_windows_of_a_range_share_the_file_of_their_day_in_their_order(tmp_path: Path) -> None:
    lake, windows = Lake(str(tmp_path), SPEC), Windows.parse("2026-03-10T23:08Z/2026-03-11T00:38Z")
    with window_files(lake, TABLE, windows) as files:
        for number in (5, 0, 4, 3, 1, 2):
            window = list(windows)[number]
            files.add(pair_counts_table(SPEC, pair_counts_row(str(window), sessions_cnt=number)))
        files.flush()
        lake.replace_files(TABLE, files.actions, windows)
    held = [pq.read_table(tmp_path / TABLE / file.path, partitioning=None) for file in files.actions]
    assert [rows["sessions_cnt"].to_pylist() for rows in held] == [[0, 1, 2, 3], [4, 5]]
    keys = [window.key for window in windows]
    assert [rows["window"].to_pylist() for rows in held] == [keys[:4], keys[4:]]
    assert rows_by_window(lake, TABLE) == dict.fromkeys(keys, 1)


def test_rows_outside_of_the_windows_are_refused(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path), SPEC)
    with pytest.raises(IndexError), window_files(lake, TABLE, WINDOWS[0]) as files:
        files.add(pair_counts_table(SPEC, pair_counts_row(str(WINDOWS[1]))))
        files.flush()
