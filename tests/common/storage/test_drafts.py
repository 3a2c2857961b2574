"""Files that take their place when they are whole."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from common.storage.drafts import draft

WRITE_AND_DIE = """
import os, sys
from pathlib import Path
from common.storage.drafts import draft
with draft(Path(sys.argv[1])) as path:
    path.write_text(sys.argv[2])
    os._exit(9)
"""


def test_a_draft_takes_its_place_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "file"
    with draft(target) as path:
        path.write_text("whole")
        assert not target.exists()
    assert target.read_text() == "whole"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_what_was_there_stays_if_writing_fails(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("old")
    with pytest.raises(ValueError, match="no"), draft(target) as path:
        path.write_text("half")
        raise ValueError("no")
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("written", ["half", ""])
def test_the_next_writer_removes_the_drafts_of_killed_ones_alone(tmp_path: Path, written: str) -> None:
    target = tmp_path / "file[1]"
    subprocess.run([sys.executable, "-c", WRITE_AND_DIE, target, written], check=False)
    assert len(list(tmp_path.iterdir())) == 1
    with draft(target) as living:
        living.write_text("mine")
        with draft(target) as other:
            other.write_text("other")
            assert set(tmp_path.iterdir()) == {living, other}
    assert target.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [target]


def test_drafts_of_several_targets_beside_one_path_are_removed_by_whoever_writes_one(tmp_path: Path) -> None:
    first, second, beside = tmp_path / "first" / "file", tmp_path / "second" / "file", tmp_path / "copy"
    first.parent.mkdir()
    second.parent.mkdir()
    subprocess.run([sys.executable, "-c", WRITE_AND_DIE, beside, "half"], check=False)
    (left,) = (path for path in tmp_path.iterdir() if path.is_file())
    for target in (first, second):
        with draft(target, beside=beside) as path:
            assert path.parent == tmp_path and not left.exists()
            path.write_text(target.parent.name)
    assert (first.read_text(), second.read_text()) == ("first", "second")
    assert sorted(tmp_path.iterdir()) == [first.parent, second.parent]


def test_a_draft_that_was_just_made_is_not_taken_for_dead(tmp_path: Path) -> None:
    target = tmp_path / "file"

    def write(number: int) -> None:
        with draft(target, replace=number % 2 == 0) as path:
            path.write_text(f"whole {number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(400)))
    assert target.read_text().startswith("whole")
    assert list(tmp_path.iterdir()) == [target]
