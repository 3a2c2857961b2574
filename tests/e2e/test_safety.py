"""A run that is killed anywhere leaves the old state, and running again gives the same tables."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from random import Random
from urllib.parse import unquote

import pytest

from tests.commands import command_line
from tests.e2e.conftest import DAY, NOON, Command
from tests.lakes import assert_same_table

pytestmark = pytest.mark.slow

KILL_AFTER_SECONDS = (1.0, 1.8, 2.4, 3.0, 3.6, 4.5)
WRITTEN = {
    "ndr-delta": (
        "delta_pair",
        "delta_host",
        "open_sessions",
        "log_volume",
        "session_keys",
        "sessions",
        "sessions_rejected",
    ),
    "ndr-pair-counts": ("pair_counts",),
    "ndr-fg-a": ("fg_a",),
}


@pytest.mark.parametrize(
    "name", ["ndr-delta", *(pytest.param(name, marks=pytest.mark.long) for name in ("ndr-pair-counts", "ndr-fg-a"))]
)
def test_a_killed_run_leaves_the_old_rows_and_can_be_repeated(
    command: Command, logs: Path, slices: Path, tmp_path: Path, name: str
) -> None:
    lake = shutil.copytree(slices, tmp_path / "lake")
    more = ("--input", logs) if name == "ndr-delta" else ()
    for seconds in KILL_AFTER_SECONDS:
        running = subprocess.Popen(
            command_line(name, "--window", DAY, "--lake", lake, *more),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(seconds)
        running.kill()
        running.wait()
        for table in WRITTEN[name]:
            assert_same_table(lake, slices, table)  # the old rows, or the same rows anew: never a part of them
    assert command(name, "--window", DAY, "--lake", lake, *more).returncode == 0
    for table in WRITTEN[name]:
        assert_same_table(lake, slices, table)


def kill_points(logs: Path, slices: Path, folder: Path, count: int, seed: int) -> dict[str, int]:
    """Kills stages at random points, then lets each run once; returns what was found of each kind before that run.

    Args:
        logs: the input of ndr-delta.
        slices: a lake that holds the tables of that input; it is copied.
        folder: an empty folder.
        count: the number of kills.
        seed: of the stages and moments.
    """
    random = Random(seed)
    lake = shutil.copytree(slices, folder / "lake")
    seconds: dict[str, float] = {}
    for name in WRITTEN:
        began = time.monotonic()
        subprocess.run(_line(name, lake, logs), capture_output=True, check=True)
        seconds[name] = time.monotonic() - began
    before = _files(lake)
    for _ in range(count):
        name = random.choice(list(WRITTEN))
        process = subprocess.Popen(_line(name, lake, logs), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(random.uniform(0.3, 1.0) * seconds[name])
        process.kill()
        process.wait()
        for table in WRITTEN[name]:
            assert_same_table(lake, slices, table)
    left = {
        "folders": len(list(lake.glob("_scratch/*"))),
        "files": len(_files(lake) - before - _named(lake)),
    }
    for name in WRITTEN:
        subprocess.run(_line(name, lake, logs), capture_output=True, check=True)
    assert list(lake.glob("_scratch/*")) == []
    assert _files(lake) - before - _named(lake) == set()
    for table in (table for tables in WRITTEN.values() for table in tables):
        assert_same_table(lake, slices, table)
    return left


def _line(name: str, lake: Path, logs: Path) -> list[str]:
    return command_line(name, "--window", DAY, "--lake", lake, *(("--input", logs) if name == "ndr-delta" else ()))


def _files(lake: Path) -> set[Path]:
    """The files of tables, without the log's own."""
    return {path for path in lake.rglob("*") if path.is_file() and not re.search(r"/[0-9]{20}[.]|/_last_", str(path))}


def _named(lake: Path) -> set[Path]:
    """The files that any commit of any table names."""
    return {
        log.parents[1] / unquote(entry["path"])
        for log in lake.rglob("_delta_log/*.json")
        for line in log.read_text().splitlines()
        for entry in json.loads(line).values()
        if "path" in entry
    }


@pytest.mark.long
def test_one_run_clears_up_what_killed_runs_left(logs: Path, slices: Path, tmp_path: Path) -> None:
    kill_points(logs, slices, tmp_path, count=4, seed=1)


def test_one_window_again_equals_the_range(command: Command, slices: Path, tmp_path: Path) -> None:
    lake = shutil.copytree(slices, tmp_path / "lake")
    for name in ("ndr-pair-counts", "ndr-fg-a"):
        assert command(name, "--window", NOON, "--lake", lake).returncode == 0
    for table in ("pair_counts", "fg_a"):
        assert_same_table(lake, slices, table)


def test_processes_can_write_different_windows_at_once(slices: Path, tmp_path: Path) -> None:
    lake = shutil.copytree(slices, tmp_path / "lake")
    starts = ("2026-03-03T09:08Z", "2026-03-03T09:23Z", "2026-03-03T09:38Z", "2026-03-03T09:53Z")
    running = [
        subprocess.Popen(
            command_line("ndr-fg-a", "--window", start, "--lake", lake),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for start in starts
    ]
    for process in running:
        _, output = process.communicate()
        assert process.returncode == 0, output
    assert_same_table(lake, slices, "fg_a")
