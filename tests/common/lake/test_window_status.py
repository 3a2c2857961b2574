"""The notes of stages say which windows are whole, whatever was killed in between."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from common.errors import InputError
from common.lake.lake import Lake
from common.lake.window_status import FEATURES, SCORED, TABLE, defects, read_statuses, whole_windows
from common.windows import WINDOW, Windows
from tests.factories import SPEC, fg_a_row
from tests.lakes import note_whole, write_table

FIRST, SECOND = Windows.parse("2026-03-10T13:08Z"), Windows.parse("2026-03-10T13:23Z")
BOTH = Windows(FIRST.start, SECOND.end)


class Killed(BaseException):
    """The end of a process, as far as a test can bring it about."""


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"), SPEC)


def defect(lake: Lake, window: Windows = FIRST, stages: Sequence[str] = SCORED) -> str | None:
    return defects(read_statuses(lake), [window.key], stages).get(window.key)


def begin(lake: Lake, stage: str, window: Windows = FIRST) -> None:
    """A run that is killed between its first and its last commit."""
    with pytest.raises(Killed), lake.journal.run(stage, window):
        raise Killed


def test_a_window_is_whole_when_every_stage_has_finished_in_order(lake: Lake) -> None:
    for stage in SCORED:
        assert defect(lake) == f"{stage} has not run"
        note_whole(Path(lake.uri), FIRST, [stage])
    assert defect(lake) is None
    assert defect(lake, SECOND) == "delta has not run"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("killed", "expected"),
    [
        ("delta", "delta has not finished"),
        ("fg_a", "fg_a has not finished"),
        ("pair_counts", "pair_counts has not finished"),
        ("fg_c", "fg_c has not finished"),
    ],
)
def test_a_killed_run_leaves_a_window_that_is_not_whole_until_all_after_it_have_run(
    lake: Lake, killed: str, expected: str
) -> None:
    note_whole(Path(lake.uri), BOTH, SCORED)
    begin(lake, killed)
    assert defect(lake) == expected
    assert defect(lake, SECOND) is None
    for stage in SCORED[SCORED.index(killed) :]:
        assert defect(lake) is not None
        note_whole(Path(lake.uri), FIRST, [stage])
    assert defect(lake) is None


def test_a_stage_that_ran_again_makes_those_after_it_old(lake: Lake) -> None:
    for again, old in (("delta", "fg_a is older than delta"), ("fg_a", "fg_c is older than fg_a and pair_counts")):
        note_whole(Path(lake.uri), FIRST, SCORED)
        note_whole(Path(lake.uri), FIRST, [again])
        assert defect(lake) == old


def test_slices_that_change_while_they_are_read_make_the_features_old(lake: Lake) -> None:
    note_whole(Path(lake.uri), FIRST)
    with lake.journal.run("fg_a", FIRST):
        note_whole(Path(lake.uri), FIRST, ["delta"])
    assert defect(lake, stages=FEATURES) == "fg_a is older than delta"


def test_stages_together_take_two_commits_and_are_old_in_between(lake: Lake) -> None:
    note_whole(Path(lake.uri), FIRST, SCORED)
    before, reader = lake.version(TABLE), Lake(lake.uri, SPEC)
    with lake.journal.together():
        for stage in FEATURES:
            with lake.journal.run(stage, FIRST):
                assert defect(reader) == "delta has not finished"
    assert lake.version(TABLE) == before + 2
    assert defect(reader) == "inference is older than fg_a and fg_c"
    assert defect(reader, stages=FEATURES) is None


def test_stages_that_finished_before_one_failed_have_not_to_run_again(lake: Lake) -> None:
    with pytest.raises(InputError), lake.journal.together():
        note_in(lake, FEATURES[:-1])
        raise InputError("there are no baselines", "Run ndr-fg-b")
    assert defect(lake) == "fg_c has not run"
    note_whole(Path(lake.uri), FIRST, ["fg_c"])
    assert defect(lake, stages=FEATURES) is None


def note_in(lake: Lake, stages: Sequence[str]) -> None:
    for stage in stages:
        with lake.journal.run(stage, FIRST):
            pass


@pytest.mark.slow
def test_concurrent_windows_of_a_day_all_land(lake: Lake) -> None:
    windows = [Windows(FIRST.start + place * WINDOW, FIRST.start + (place + 1) * WINDOW) for place in range(6)]
    with ThreadPoolExecutor(len(windows)) as pool:
        list(pool.map(lambda window: note_whole(Path(lake.uri), window), windows))
    assert [defect(lake, window, FEATURES) for window in windows] == [None] * len(windows)


def test_what_is_missing_of_the_logs_is_kept_until_the_slices_are_made_again(lake: Lake) -> None:
    with lake.journal.run("delta", FIRST, "hq.csv.gz: 79% of its bytes\ncannot be read"):
        pass
    note_whole(Path(lake.uri), FIRST, ["fg_a"])
    assert read_statuses(lake)[FIRST.key].incomplete_reason == "hq.csv.gz: 79% of its bytes cannot be read"
    note_whole(Path(lake.uri), FIRST, ["delta"])
    assert read_statuses(lake)[FIRST.key].incomplete_reason is None


def test_a_block_may_add_reasons_for_single_windows(lake: Lake) -> None:
    both = Windows(FIRST.start, SECOND.end)
    for given, found in (("hq.csv is damaged", "hq.csv is damaged; fw 2 is silent"), (None, "fw 2 is silent")):
        with lake.journal.run("delta", both, given) as further:
            assert read_statuses(lake)[SECOND.key].incomplete_reason == given
            further[SECOND.key] = "fw 2 is silent"
        statuses = read_statuses(lake)
        assert [statuses[window.key].incomplete_reason for window in (FIRST, SECOND)] == [given, found]


def test_readers_refuse_windows_that_are_not_whole_and_rows_without_a_note(lake: Lake) -> None:
    write_table(Path(lake.uri), "fg_a", [fg_a_row(SPEC, str(FIRST)), fg_a_row(SPEC, str(SECOND))])
    note_whole(Path(lake.uri), FIRST)
    assert list(whole_windows(lake, FIRST, "fg_a")) == [FIRST.key]
    with pytest.raises(InputError, match=r"2026-03-10T13:23Z \(delta has not run\). Run ndr-15m again"):
        whole_windows(lake, BOTH, "fg_a")
    with pytest.raises(InputError, match=r"2026-03-10T13:08Z \(inference has not run\). Run ndr-inference again"):
        whole_windows(lake, FIRST, "fg_a", SCORED)
