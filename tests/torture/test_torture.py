"""The long run itself: it sees faults, goes on where it was ended, and writes its figures."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from common.contracts.session import SESSION_COLUMNS
from tests.factories import WINDOW, session, sessions
from tests.torture import report
from tests.torture.blocks import Result
from tests.torture.kills import Victim, left_over, try_kills, unexpected
from tests.torture.progress import Progress
from tests.torture.world import Step, copy

pytestmark = pytest.mark.slow


def write_logs(path: Path, *ports: int) -> Path:
    table = sessions(*(session(dst_port=port, session_id=str(port), sequence_number=port) for port in ports))
    pq.write_table(table.select([column.name for column in SESSION_COLUMNS]), path)
    return path


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Victim:
    """The slices of a window that get another session."""
    folder = tmp_path_factory.mktemp("victim")
    lines = {
        name: Step(
            "ndr-delta",
            ("--window", str(WINDOW), "--lake", "{lake}", "--input", str(write_logs(folder / name, *ports))),
            ("delta_host", "delta_pair"),
        )
        for name, ports in (("before.parquet", (443,)), ("after.parquet", (443, 22)))
    }
    subprocess.run(lines["before.parquet"].line(folder / "old", folder), check=True, capture_output=True)
    subprocess.run(
        lines["after.parquet"].line(copy(folder / "old", folder / "new"), folder), check=True, capture_output=True
    )
    return Victim(lines["after.parquet"], folder / "old", folder / "new")


@pytest.mark.slow
def test_a_killed_command_leaves_no_trace(victim: Victim, tmp_path: Path) -> None:
    outcome = try_kills(victim, 1, tmp_path, seconds=2.5)
    assert outcome.wrong == ""


def remove_a_table(lake: Path) -> None:
    shutil.rmtree(lake / "delta_pair")


def remove_rows(lake: Path) -> None:
    log = max((lake / "delta_pair" / "_delta_log").glob("*.json"))
    log.write_text("\n".join(line for line in log.read_text().splitlines() if "add" not in json.loads(line)))


@pytest.mark.slow
@pytest.mark.parametrize("spoil", [remove_a_table, remove_rows])
def test_a_table_that_is_neither_old_nor_new_is_seen(
    victim: Victim, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    lake = tmp_path / "lake"
    shutil.copytree(victim.after, lake)
    assert list(unexpected(victim, lake, tmp_path)) == []
    spoil(lake)
    assert list(unexpected(victim, lake, tmp_path)) == ["delta_pair is neither old nor new"]


def test_what_a_run_leaves_behind_is_seen(victim: Victim, tmp_path: Path) -> None:
    lake = copy(victim.after, tmp_path / "lake")
    assert list(left_over(lake)) == []
    (lake / "_scratch" / "one").mkdir(parents=True)
    (lake / "_scratch" / "one" / "file").touch()
    pq.write_table(pa.table({"a": [1]}), lake / "delta_host" / "part-stray.parquet")
    assert list(left_over(lake)) == [
        "1 scratch folders are left",
        "1 orphan files are left, the first part-stray.parquet",
    ]


def test_a_run_goes_on_where_it_was_ended(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    Progress(path, "one").record("files", 1, Result(100, 2.0, ""))
    with path.open("a") as stream:
        stream.write('{"commit": "one", "par')
    assert list(Progress(path, "one").missing("files", 3)) == [0, 2]
    assert list(Progress(path, "two").missing("files", 3)) == [0, 1, 2], "another commit starts anew"


def test_the_figures_replace_those_of_the_last_run(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"Before.\n{report.BEGIN}old\n{report.END}After.\n")
    progress = Progress(tmp_path / "progress.jsonl", "one")
    progress.record("files", 0, Result(100, 2.0, ""))
    progress.record("files", 1, Result(100, 2.0, "1-107: a crash"))
    figures = report.Figures.of(progress)
    report.write(page, figures)
    assert "| damaged log files | 200 | 1 |" in page.read_text()
    assert page.read_text().startswith("Before.") and page.read_text().endswith("After.\n")
    assert "old" not in page.read_text()
    assert figures.wrong == ["damaged log files: files 1: 1-107: a crash"]
