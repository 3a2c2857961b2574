"""A run of one window leaves fewer small files of earlier days than it found, and never fails because of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from common.lake import compaction
from common.lake.compaction import COLUMNS_AT_ONCE, FEWEST_FILES, groups, put_together
from common.lake.lake import Lake
from common.runtime.context import StageConfig, StageRun, run_stage
from common.runtime.lake_project import LakeProject
from common.runtime.upkeep import keep_up
from common.windows import WINDOW, Windows
from tests.factories import SPEC, fg_a_row, pair_counts_row
from tests.lakes import write_table
from tests.oracle.compare import assert_tables_equal
from tests.torture.kills import left_over

NOW = Windows.parse("2026-03-10T05:53Z")
YESTERDAY = Windows.parse("2026-03-09T13:08Z")
CLOSED = Windows.parse("2026-03-08T13:08Z")
EARLIER = Windows.parse("2026-03-07T13:08Z")
KEYS = {"pair_counts": ("src_ip", "window"), "fg_a": ("host_ip", "window")}
ROWS = {"pair_counts": pair_counts_row, "fg_a": lambda window: fg_a_row(SPEC, window)}


def wrote(lake: Path, name: str, first: Windows, count: int = FEWEST_FILES) -> None:
    """So many windows from the first on, with a file each."""
    for number in range(count):
        window = Windows(first.start + number * WINDOW, first.end + number * WINDOW)
        write_table(lake, name, [ROWS[name](str(window))], mode="append")


def opened(lake: Path) -> Lake:
    return Lake(str(lake), SPEC)


def files_by_day(lake: Path, name: str) -> dict[str, int]:
    days = opened(lake).files(name)["partition.date"].value_counts().to_pylist()
    return {entry["values"]: entry["counts"] for entry in days}


def done(config: StageConfig, stage: StageRun) -> None:
    """The work of a stage that has written both tables."""
    for name in KEYS:
        if stage.lake.exists(name):
            stage.report.wrote(name, stage.lake.version(name), 0)


def stage(lake: Path, windows: Windows = NOW) -> None:
    run_stage("ndr-fg-a", StageConfig(windows, str(lake), "sail", None, LakeProject()), done)


@pytest.mark.parametrize("name", KEYS)
def test_files_of_an_earlier_day_become_one_and_the_rows_are_the_same(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for first in (YESTERDAY, CLOSED):
        wrote(tmp_path, name, first)
    before, digests = opened(tmp_path).arrow(name), opened(tmp_path).digests(name, "date")
    stage(tmp_path)
    assert files_by_day(tmp_path, name) == {"2026-03-09": FEWEST_FILES, "2026-03-08": 1}
    assert_tables_equal(opened(tmp_path).arrow(name), before, KEYS[name])
    assert opened(tmp_path).digests(name, "date") == digests
    said = [json.loads(line)["message"] for line in capsys.readouterr().err.splitlines() if "message" in line]
    assert f"{FEWEST_FILES} files of {name} of 2026-03-08 became one: ndr-maintain has not done it" in said
    version = opened(tmp_path).version(name)
    stage(tmp_path)  # the same window again
    assert opened(tmp_path).version(name) == version
    stage(tmp_path, Windows.parse("2026-03-10T06:08Z"))  # the first one that finds the day before neglected
    assert files_by_day(tmp_path, name) == {"2026-03-09": 1, "2026-03-08": 1}


def test_a_window_does_a_day_of_one_table_the_one_with_most_files_first(tmp_path: Path) -> None:
    wrote(tmp_path, "fg_a", CLOSED)
    wrote(tmp_path, "pair_counts", EARLIER)
    wrote(tmp_path, "pair_counts", CLOSED, FEWEST_FILES + 1)
    found = []
    for _ in range(3):
        stage(tmp_path)
        found.append((files_by_day(tmp_path, "pair_counts"), files_by_day(tmp_path, "fg_a")))
    many, one = FEWEST_FILES, 1
    assert found == [
        ({"2026-03-07": many, "2026-03-08": one}, {"2026-03-08": many}),
        ({"2026-03-07": many, "2026-03-08": one}, {"2026-03-08": one}),
        ({"2026-03-07": one, "2026-03-08": one}, {"2026-03-08": one}),
    ]


def test_a_range_of_windows_and_few_files_are_not_worth_it(tmp_path: Path) -> None:
    wrote(tmp_path, "pair_counts", CLOSED)
    wrote(tmp_path, "fg_a", CLOSED, FEWEST_FILES - 1)
    stage(tmp_path, Windows(NOW.start, NOW.end + WINDOW))
    assert files_by_day(tmp_path, "pair_counts") == {"2026-03-08": FEWEST_FILES}
    stage(tmp_path)
    assert files_by_day(tmp_path, "fg_a") == {"2026-03-08": FEWEST_FILES - 1}


def test_of_a_table_with_many_columns_a_window_takes_some_files(tmp_path: Path) -> None:
    at_once = COLUMNS_AT_ONCE // len(opened(tmp_path).table("fg_a").columns)
    assert at_once > FEWEST_FILES
    wrote(tmp_path, "fg_a", CLOSED, at_once + 2)
    stage(tmp_path)
    assert files_by_day(tmp_path, "fg_a") == {"2026-03-08": 3}


def test_large_files_are_left_to_ndr_maintain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of ten files, one is larger than all others, and eight of those fit."""
    wrote(tmp_path, "pair_counts", CLOSED, FEWEST_FILES + 1)
    size = max(opened(tmp_path).files("pair_counts")["size_bytes"].to_pylist())
    rows = [pair_counts_row(str(CLOSED), src_ip=f"10.1.{number}.7") for number in range(200)]
    write_table(tmp_path, "pair_counts", rows, mode="append")
    monkeypatch.setattr(compaction, "BYTES_AT_ONCE", FEWEST_FILES * size)
    stage(tmp_path)
    assert files_by_day(tmp_path, "pair_counts") == {"2026-03-08": 3}


@pytest.mark.parametrize("damage", [None, b"PAR1 no Parquet PAR1"])
def test_a_damaged_file_fails_no_window_and_keeps_no_other_table_from_it(
    tmp_path: Path, damage: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    wrote(tmp_path, "fg_a", CLOSED, FEWEST_FILES + 1)
    wrote(tmp_path, "pair_counts", CLOSED)
    path = next((tmp_path / "fg_a").rglob("*.parquet"))
    path.unlink()
    if damage:
        path.write_bytes(damage)
    stage(tmp_path)
    assert "9 files of fg_a of 2026-03-08 were left as they are: table fg_a in" in capsys.readouterr().err
    assert files_by_day(tmp_path, "fg_a") == {"2026-03-08": FEWEST_FILES + 1}
    assert files_by_day(tmp_path, "pair_counts") == {"2026-03-08": 1}
    assert list(left_over(tmp_path)) == []


def test_what_others_put_together_meanwhile_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrote(tmp_path, "pair_counts", CLOSED)
    before, written = opened(tmp_path).arrow("pair_counts"), compaction._written

    def meanwhile(lake: Lake, name: str, *given: object) -> object:
        monkeypatch.setattr(compaction, "_written", written)
        others = opened(tmp_path)
        assert put_together(others, name, groups(others, name, lambda _: True), lambda _: None)
        return written(lake, name, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(compaction, "_written", meanwhile)
    keep_up(opened(tmp_path), ["pair_counts"], NOW)
    assert files_by_day(tmp_path, "pair_counts") == {"2026-03-08": 1}
    assert_tables_equal(opened(tmp_path).arrow("pair_counts"), before, KEYS["pair_counts"])
    assert list(left_over(tmp_path)) == []


KILLED = """
import os, sys
from common.features.spec import load_spec
from common.lake import compaction
from common.lake.lake import Lake
from common.runtime.upkeep import keep_up
from common.windows import Windows
compaction.exchanged = lambda *_: os.kill(os.getpid(), 9)
keep_up(Lake(sys.argv[1], load_spec("v1")), ["pair_counts"], Windows.parse(sys.argv[2]))
"""


@pytest.mark.slow
def test_a_kill_before_the_commit_changes_nothing_and_the_next_window_does_it(tmp_path: Path) -> None:
    wrote(tmp_path, "pair_counts", CLOSED)
    before = opened(tmp_path).arrow("pair_counts")
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(NOW)], check=False)
    assert killed.returncode == -9
    assert list(left_over(tmp_path)) != []
    assert_tables_equal(opened(tmp_path).arrow("pair_counts"), before, KEYS["pair_counts"])
    stage(tmp_path)
    assert list(left_over(tmp_path)) == []
    assert files_by_day(tmp_path, "pair_counts") == {"2026-03-08": 1}
    assert_tables_equal(opened(tmp_path).arrow("pair_counts"), before, KEYS["pair_counts"])
