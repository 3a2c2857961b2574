"""A run that is killed anywhere leaves the old state, and running again gives the same tables."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.commands import command_line
from tests.e2e.conftest import DAY, NOON, Command
from tests.lakes import assert_same_table

pytestmark = pytest.mark.slow

KILL_AFTER_SECONDS = (1.0, 1.8, 2.4, 3.0, 3.6, 4.5)
WRITTEN = {
    "ndr-delta": ("delta_pair", "delta_host", "session_keys", "sessions_rejected"),
    "ndr-pair-counts": ("pair_counts",),
    "ndr-fg-a": ("fg_a",),
}


@pytest.mark.parametrize("name", WRITTEN)
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
