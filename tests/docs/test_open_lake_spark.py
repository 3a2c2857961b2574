"""The session with classic Spark in docs/open-lake.md, on a window of the lake that the README's commands make."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tests.checkout import ROOT
from tests.commands import command_line
from tests.conftest import ENGINE, Stages

pytestmark = pytest.mark.parity

README_LOGS = ("--hosts", "10", "--days", "1")
WINDOW = "2026-03-03T12:08Z"


@pytest.mark.skipif(ENGINE != "spark", reason="the session is of classic Spark")
def test_the_session_prints_what_the_page_shows(stages: Stages, tmp_path: Path) -> None:
    subprocess.run(command_line("ndr-simulate", "--out", tmp_path / "logs", *README_LOGS), check=True)
    stages.delta(WINDOW, str(tmp_path / "logs/fw_paloalto"))
    (shown,) = (
        token.content
        for token in MarkdownIt().parse((ROOT / "docs/open-lake.md").read_text())
        if token.info == "pycon" and "pyspark" in token.content
    )
    (tmp_path / "session.txt").write_text(shown)
    # in a process of its own: the engine looks for the lake below the folder in which it started
    done = subprocess.run(
        [sys.executable, "-m", "doctest", "session.txt"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
