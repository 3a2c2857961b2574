"""A step that no longer fits its file, or a command that prints something else, fails."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.contributing.worked_example import assert_printed, change, commands_in, steps_of


def test_blocks_are_the_steps(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text('# Page\n\n```diff title="a.py"\n+x\n```\n\n    indented\n\n```console\n$ ls\na.py\n```\n')
    first, second = steps_of(page)
    assert (first.language, first.title, first.text) == ("diff", "a.py", "+x\n")
    assert (second.title, list(commands_in(second.text))) == (None, [("ls", ["a.py"])])


def test_hunks_change_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("one = 1\ntwo = 22\nthree = 3\n")
    change(path, " one = 1\n+half = 0.5\n@@\n-three = 3\n+three = 4\n")
    assert path.read_text() == "one = 1\nhalf = 0.5\ntwo = 22\nthree = 4\n"
    change(path, "+zero = 0\n one\n")
    assert path.read_text().startswith("zero = 0\none = 1\n")
    for gone in ("-two = 2\n+two = 3\n", "-wo = 22\n+wo = 3\n", "-five = 5\n"):
        with pytest.raises(AssertionError, match="has 0 times"):
            change(path, gone)


def test_output_has_the_lines_in_order() -> None:
    done = subprocess.CompletedProcess(["ls"], 0, "a\nb\nc\n", "")
    assert_printed(done, ["a", "...", "c"])
    with pytest.raises(AssertionError, match="did not print 'a'"):
        assert_printed(done, ["c", "a"])
    with pytest.raises(AssertionError):
        assert_printed(subprocess.CompletedProcess(["ls"], 1, "a\n", ""), ["a"])
