"""The commands that the documentation shows do what it shows."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import ROOT
from tests.docs.blocks import blocks
from tests.docs.pages import PAGES, copy_of_repository, problems

README, *OTHERS = PAGES
MADE = ("logs", "lake")
"""What the commands of README make, from which the other pages start."""


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture(scope="module")
def of_readme(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The folder in which the short commands of README ran, and what was wrong."""
    folder = copy_of_repository(tmp_path_factory.mktemp("readme"))
    return folder, problems(README, folder, long=False)


@pytest.mark.slow
def test_readme(of_readme: tuple[Path, list[str]]) -> None:
    assert "\n\n".join(of_readme[1]) == ""


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in OTHERS if any(b.kind == "run" for b in blocks(page))], ids=name)
def test_page(page: Path, of_readme: tuple[Path, list[str]], tmp_path: Path) -> None:
    folder = copy_of_repository(tmp_path)
    for made in MADE:
        shutil.copytree(of_readme[0] / made, folder / made)
    assert "\n\n".join(problems(page, folder, long=False)) == ""


@pytest.mark.docs_long
@pytest.mark.parametrize("page", [page for page in PAGES if any(b.kind == "long" for b in blocks(page))], ids=name)
def test_page_with_long_commands(page: Path, of_readme: tuple[Path, list[str]], tmp_path: Path) -> None:
    folder = copy_of_repository(tmp_path)
    if page != README:
        for made in MADE:
            shutil.copytree(of_readme[0] / made, folder / made)
    try:
        assert "\n\n".join(problems(page, folder, long=True)) == ""
    finally:
        for home in (".ndr-local", "demo/lake-aws"):  # a page that fails in between leaves its local AWS up
            if (folder / home).exists():
                subprocess.run([Path(sys.executable).with_name("ndr-local"), "down", "--home", folder / home])


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_what_is_never_run_says_why(page: Path) -> None:
    silent = [block.line for block in blocks(page) if block.kind == "skip" and len(block.reason) < 10]
    assert silent == []
