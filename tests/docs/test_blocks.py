"""The harness itself: which blocks are commands, and what counts as the same output."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs import pages
from tests.docs.blocks import Block, Step, blocks, matches
from tests.docs.pages import NEEDS_A_MARK, run

PAGE = """\
Text.

    ndr-delta --help

    project_name: demo

<!-- docs: long -->

```sh
make demo
```

<!-- docs: skip, needs an account -->

```console
$ aws s3 ls \\
    s3://bucket
first

$ true
```

```json
{}
```
"""


def test_commands_are_told_from_other_blocks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE.replace("\n    project_name: demo\n", "\nand\n\n    project_name: demo\n"))
    assert blocks(page) == [
        Block(3, (Step("ndr-delta --help\n", None),), "run", ""),
        Block(11, (Step("make demo\n", None),), "long", ""),
        Block(17, (Step("aws s3 ls \\\n    s3://bucket", ("first",)), Step("true", ())), "skip", "needs an account"),
    ]


def test_a_page_can_be_left_to_another_test(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n\n<!-- docs: skip page, test_x runs its steps -->\n\n    make demo\n")
    assert [(block.kind, block.reason) for block in blocks(page)] == [("skip", "test_x runs its steps")]


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        (["a", "b"], ["a", "b", ""], True),
        (["a"], ["a", "b"], False),
        (["a", "b"], ["a"], False),
        ([], ["a"], False),
        (["a ... c"], ["a b c"], True),
        (["a ... c"], ["a b d"], False),
        (["a", "...", "d"], ["a", "b", "c", "d"], True),
        (["a", "...", "d"], ["a", "b", "c"], False),
        (['{"rows": 1, "seconds": 1.5}'], ['{"rows": 1, "seconds": 2}'], True),
        (['{"rows": 1, "seconds": 1.5}'], ['{"rows": 2, "seconds": 1.5}'], False),
        (["a"], ['{"time": "2026-03-10T13:08:00.000Z", "stage": "ndr-delta", "event": "started"}', "a"], True),
    ],
)
def test_output_is_compared_but_for_what_differs_from_run_to_run(
    shown: list[str], printed: list[str], same: bool
) -> None:
    assert matches(shown, printed) is same


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        (Step("echo a", ("a",)), None),
        (Step("echo a", ("b",)), "does not print"),
        (Step("echo a", ()), "does not print"),
        (Step("echo a; false", ("a",)), "exits with 1"),
        (Step("echo error: a >&2; false", ("error: a",)), None),
        (Step("echo error: a", ("error: a",)), "exits with 0"),
        (Step("echo a\n", None), None),
        (Step("false\necho a\n", None), "exits with 1"),
    ],
)
def test_steps_that_differ_from_the_page_are_found(step: Step, problem: str | None, tmp_path: Path) -> None:
    before = () if step.output is None else (Step("true", ()),)
    found = run(Block(1, (*before, step), "run", ""), tmp_path)
    assert [problem is not None and problem in text for text in found] == ([True] if problem else [])


@pytest.mark.parametrize(
    "command",
    ["make images", "eval x && docker ps", "A=1 aws s3 ls", "time docker run x", "cd x; .ci/run", "a\nmake demo"],
)
def test_what_may_take_long_needs_a_mark(command: str) -> None:
    assert NEEDS_A_MARK.search(command)
    assert not NEEDS_A_MARK.search(f"echo '{command.split()[-1]}'")


def test_a_block_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "SHORT_SECONDS", 0.3)
    (problem,) = run(Block(1, (Step("sleep 60", ()),), "run", ""), tmp_path)
    assert "mark the block as long" in problem
