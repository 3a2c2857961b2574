"""The page of the long tests: every part has a row, and a part that did not run keeps what it had."""

from __future__ import annotations

from pathlib import Path

from tests.checkout import ROOT
from tests.long_tests import BEGIN, END, HEAD, PAGE, PARTS, main, record, result


def rows(page: Path) -> list[str]:
    return page.read_text().partition(HEAD)[2].partition(END)[0].splitlines()


def test_a_part_that_did_not_run_keeps_its_row(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Before\n\n{BEGIN}{END}\nAfter\n")
    record(page, {"torture": result("0123456789ab", 5400, 0)})
    *never, torture = rows(page)
    assert all(row.endswith("| - | - | - | not run yet |") for row in never)
    assert torture.startswith("| `make torture` | ")
    assert "| `0123456789ab` | 20" in torture
    assert torture.endswith(" | 90 min | passed |")
    record(page, {"docs-long": result("ba9876543210", 59, 2)})
    docs, *_, again = rows(page)
    assert docs.endswith(" | under a minute | **failed**, exit code 2 |")
    assert again == torture
    assert page.read_text().startswith("# Before")
    assert page.read_text().endswith("\nAfter\n")


def test_the_committed_page_has_the_parts_and_the_makefile_their_targets() -> None:
    assert [row.split("`")[1] for row in rows(PAGE)] == [f"make {name}" for name in PARTS]
    makefile = (ROOT / "Makefile").read_text()
    assert all(f"\n{name}: " in makefile for name in PARTS)


def test_an_unknown_part_is_a_usage_error() -> None:
    assert main(["nothing"]) == 2
