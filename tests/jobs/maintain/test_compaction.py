"""Small files become one, and nobody sees a difference but in their number."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError

from common.lake import compaction, together
from common.lake.compaction import groups, put_together
from common.lake.file_digests import digest_of, name_together
from common.lake.lake import Lake
from common.lake.together import Group
from common.lake.window_status import TABLE, read_statuses
from common.windows import Windows
from tests.factories import SPEC, fg_a_row, pair_counts_row
from tests.jobs.maintain.lakes import DAY, NOW, WINDOWS, maintain, small_files
from tests.lakes import note_whole, write_table
from tests.oracle.compare import assert_tables_equal

DAYS = [Windows.parse(f"2026-03-{day:02}T13:08Z") for day in (8, 9, 10)]
KEYS = {
    "pair_counts": ("src_ip", "window"),
    "fg_a": ("host_ip", "window"),
    "delta_pair": ("host_ip", "window"),
}


def files_of(lake: Path, name: str) -> int:
    return len(DeltaTable(lake / name).file_uris())


def opened(lake: Path) -> Lake:
    return Lake(str(lake), SPEC)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pair_counts", "delta_pair", "fg_a"])
def test_a_file_stays_of_each_day_and_the_rows_are_the_same(tmp_path: Path, name: str) -> None:
    """Three windows with three files each."""
    small_files(tmp_path, name)
    before, digests = opened(tmp_path).arrow(name), opened(tmp_path).digests(name, "date")
    report = maintain(tmp_path)
    assert files_of(tmp_path, name) == 1
    found = report.details["tables"][name]["put_together"]
    assert (found["partitions"], found["files"]) == (1, 9)
    assert_tables_equal(opened(tmp_path).arrow(name), before, KEYS[name])
    assert opened(tmp_path).digests(name, "date") == digests
    assert opened(tmp_path).count(name) == len(before) == 9


def test_a_second_run_finds_nothing_to_do(tmp_path: Path) -> None:
    small_files(tmp_path, "pair_counts")
    maintain(tmp_path)
    version = opened(tmp_path).version("pair_counts")
    assert maintain(tmp_path).details["tables"] == {}
    assert opened(tmp_path).version("pair_counts") == version


def test_a_dry_run_says_the_same_and_does_nothing(tmp_path: Path) -> None:
    small_files(tmp_path, "pair_counts")
    dry = maintain(tmp_path, dry_run=True)
    assert files_of(tmp_path, "pair_counts") == 9
    assert opened(tmp_path).version("pair_counts") == 8
    assert dry.details["tables"] == maintain(tmp_path).details["tables"]


@pytest.mark.slow
def test_the_day_that_is_not_over_is_left_alone(tmp_path: Path) -> None:
    small_files(tmp_path, "fg_a")
    assert "put_together" not in maintain(tmp_path, now=NOW.replace(day=10)).details["tables"]["fg_a"]
    assert files_of(tmp_path, "fg_a") == 9
    maintain(tmp_path, now=NOW.replace(day=11, hour=0))
    assert files_of(tmp_path, "fg_a") == 1


def test_files_are_put_together_up_to_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of three files fit."""
    small_files(tmp_path, "pair_counts", WINDOWS[:1])
    size = opened(tmp_path).files("pair_counts")["size_bytes"].to_pylist()[0]
    monkeypatch.setattr(together, "FILE_BYTES", 2 * size + 1)
    maintain(tmp_path)
    assert files_of(tmp_path, "pair_counts") == 2


@pytest.mark.slow
def test_one_window_is_found_in_the_file_of_a_day(tmp_path: Path) -> None:
    small_files(tmp_path, "fg_a")
    maintain(tmp_path)
    assert opened(tmp_path).arrow("fg_a", ["window"], WINDOWS[1])["window"].to_pylist() == [WINDOWS[1].key] * 3
    assert opened(tmp_path).files("fg_a").to_pylist()[0]["min.window"] == WINDOWS[0].key
    assert opened(tmp_path).files("fg_a").to_pylist()[0]["max.window"] == WINDOWS[2].key


def test_digests_change_with_rows_that_a_stage_writes_again(tmp_path: Path) -> None:
    small_files(tmp_path, "delta_pair")
    maintain(tmp_path)
    before = opened(tmp_path).digests("delta_pair", "date")
    opened(tmp_path).rewrite("delta_pair", {"date": [DAY], "window": [WINDOWS[0].key]}, lambda rows: rows)
    assert opened(tmp_path).digests("delta_pair", "date")[DAY] != before[DAY]


def test_the_digest_of_files_put_together_is_that_of_the_files() -> None:
    paths = ["date=2026-03-10/a.parquet", "date=2026-03-10/b.parquet", "date=2026-03-10/c.parquet"]
    two = f"date=2026-03-10/{name_together(paths[:2])}"
    assert digest_of([two, paths[2]]) == digest_of(paths) != digest_of(paths[:2])
    assert digest_of([f"date=2026-03-10/{name_together([two, paths[2]])}"]) == digest_of(paths)


@pytest.mark.slow
def test_statuses_of_windows_stay_what_they_were(tmp_path: Path) -> None:
    windows = Windows(WINDOWS[0].start, WINDOWS[-1].end)
    small_files(tmp_path, "fg_a")
    note_whole(tmp_path, windows)
    small_files(tmp_path, TABLE, [Windows.parse(f"{DAY}T15:08Z")], files=2)
    before = read_statuses(opened(tmp_path))
    maintain(tmp_path)
    assert files_of(tmp_path, TABLE) == 1
    assert read_statuses(opened(tmp_path)) == before
    assert all(before[window.key].defect() is None for window in windows)


def test_columns_that_older_files_lack_are_null(tmp_path: Path) -> None:
    row = pa.Table.from_pylist([fg_a_row(SPEC, str(WINDOWS[0]))]).drop_columns("segment_id")
    write_deltalake(tmp_path / "fg_a", row, partition_by=["date"])
    write_table(tmp_path, "pair_counts", [])
    later = pa.Table.from_pylist([fg_a_row(SPEC, str(WINDOWS[1]), segment_id="dmz")])
    write_deltalake(tmp_path / "fg_a", later, mode="append", schema_mode="merge")
    maintain(tmp_path)
    found = DeltaTable(tmp_path / "fg_a").to_pyarrow_table(columns=["window", "segment_id"]).sort_by("window")
    assert found.to_pylist() == [
        {"window": WINDOWS[0].key, "segment_id": None},
        {"window": WINDOWS[1].key, "segment_id": "dmz"},
    ]


def test_a_partition_that_is_written_again_meanwhile_is_left_to_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_files(tmp_path, "pair_counts", DAYS)
    written = compaction._written
    fresh = [pair_counts_row(str(DAYS[1]), sessions_cnt=7)]

    def meanwhile(lake: Lake, name: str, group: Group, schema: pa.Schema) -> object:
        if group.partition["date"] == "2026-03-10":  # the last one
            rows = pa.Table.from_pylist(fresh, schema=lake.table(name).arrow)
            lake.rewrite(name, {"date": ["2026-03-09"]}, lambda _: rows)
        return written(lake, name, group, schema)

    monkeypatch.setattr(compaction, "_written", meanwhile)
    found = maintain(tmp_path).details["tables"]["pair_counts"]["put_together"]
    assert (found["partitions"], found["left_to_the_next_run"]) == (2, 1)
    counts = opened(tmp_path).arrow("pair_counts", ["window", "sessions_cnt"]).sort_by("window").to_pylist()
    assert [(row["window"], row["sessions_cnt"]) for row in counts] == [
        *[(DAYS[0].key, 1)] * 3,
        (DAYS[1].key, 7),
        *[(DAYS[2].key, 1)] * 3,
    ]
    kept = {path.name for path in (tmp_path / "pair_counts").rglob("together-*.parquet")}
    assert len(kept) == 2  # what did not count is gone


def test_of_two_at_once_one_does_it(tmp_path: Path) -> None:
    small_files(tmp_path, "pair_counts")
    lake = opened(tmp_path)
    found = groups(lake, "pair_counts", lambda _: True)
    assert len(put_together(lake, "pair_counts", found, lambda _: None)) == 1
    assert put_together(lake, "pair_counts", found, lambda _: None) == []
    assert (files_of(tmp_path, "pair_counts"), lake.count("pair_counts")) == (1, 9)


def test_a_writer_that_has_read_the_files_before_tries_again(tmp_path: Path) -> None:
    small_files(tmp_path, "pair_counts", WINDOWS[:1])
    stale = DeltaTable(tmp_path / "pair_counts")
    maintain(tmp_path)
    rows = pa.Table.from_pylist([pair_counts_row(str(WINDOWS[0]))], schema=opened(tmp_path).table("pair_counts").arrow)
    with pytest.raises(CommitFailedError):
        write_deltalake(stale, rows, mode="overwrite", predicate=f"\"window\" = '{WINDOWS[0].key}'")
    assert opened(tmp_path).count("pair_counts") == 3
