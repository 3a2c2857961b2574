"""Upkeep beside those that read and write, upkeep that is killed, and stages after it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest

from common.detection.input_matrix import input_digest
from common.lake.lake import Lake
from common.windows import Windows
from jobs.inference.cli import main as inference
from jobs.join.cli import main as join
from tests.commands import command_line, run
from tests.common.detection.model_lake import RANGE, make_lake, train_model
from tests.conftest import ENGINE
from tests.factories import SPEC, fg_a_row, pair_counts_row
from tests.jobs.maintain.lakes import NOW, maintain, small_files
from tests.lakes import assert_same_table, write_table
from tests.torture.kills import left_over

pytestmark = pytest.mark.slow

DAY = "2024-03-10"
WINDOWS = list(Windows.parse(f"{DAY}T00:08Z/{DAY}T08:08Z"))
FILES = 2
KILLS = 4


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with a table of 32 windows with two files each, and one of 2 x 32 files of a day."""
    lake = tmp_path_factory.mktemp("many")
    small_files(lake, "pair_counts", WINDOWS, FILES)
    for number in range(2):
        write_table(lake, "fg_a", [fg_a_row(SPEC, str(window)) for window in WINDOWS[number::2]], mode="append")
    return lake


def upkeep(lake: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command_line("ndr-maintain", "--lake", lake), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def counts(lake: Path) -> dict[str, int]:
    """The sum of the sessions of each window."""
    rows = Lake(str(lake), SPEC).arrow("pair_counts", ["window", "sessions_cnt"])
    found = rows.group_by("window").aggregate([("sessions_cnt", "sum")]).to_pylist()
    return {row["window"]: row["sessions_cnt_sum"] for row in found}


def rows_of(lake: Path) -> list[pa.Table]:
    """The rows of both tables, in the order of their keys."""
    order = {"pair_counts": ("window", "src_ip"), "fg_a": ("window", "host_ip")}
    return [
        Lake(str(lake), SPEC).arrow(name).sort_by([(key, "ascending") for key in keys]) for name, keys in order.items()
    ]


def test_readers_and_writers_and_a_second_run_beside_it(many: Path, tmp_path: Path) -> None:
    """One window is written again and again, with one session more each time; readers see the others unchanged."""
    lake = shutil.copytree(many, tmp_path / "lake")
    last = WINDOWS[-1]
    others = {window.key: FILES for window in WINDOWS[:-1]}
    running, written, reads = [upkeep(lake), upkeep(lake)], 0, 0
    while any(process.poll() is None for process in running):
        written += 1
        rows = pa.Table.from_pylist(
            [pair_counts_row(str(last), sessions_cnt=written)], Lake(str(lake), SPEC).table("pair_counts").arrow
        )
        Lake(str(lake), SPEC).rewrite("pair_counts", {"date": [DAY], "window": [last.key]}, partial(_instead, rows))
        for _ in range(5):
            assert counts(lake) == others | {last.key: written}
            reads += 1
        time.sleep(0.05)
    for process in running:
        _, error = process.communicate()
        assert process.returncode == 0, error
    assert written > 1
    upkeep(lake).communicate()  # what was written again meanwhile is left to the next run
    assert counts(lake) == others | {last.key: written}
    assert Lake(str(lake), SPEC).files("pair_counts").num_rows == 1
    assert rows_of(lake)[1] == rows_of(many)[1]


def _instead(rows: pa.Table, _: pa.Table) -> pa.Table:
    return rows


def begun(process: subprocess.Popen[str], text: str) -> None:
    """Waits until the process has written a line with that text."""
    assert process.stderr
    for line in process.stderr:
        if text in line:
            return


def pauses() -> Iterator[float]:
    """How long after the begin of the first step the process is killed."""
    return (number * 0.12 for number in range(KILLS))


def test_a_killed_run_leaves_all_rows_and_the_next_one_does_the_rest(many: Path, tmp_path: Path) -> None:
    lake = shutil.copytree(many, tmp_path / "lake")
    for pause in pauses():
        process = upkeep(lake)
        begun(process, '"step": "pair_counts", "event": "started"')
        time.sleep(pause)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert rows_of(lake) == rows_of(many)
    process = upkeep(lake)
    _, error = process.communicate()
    assert process.returncode == 0, error
    assert rows_of(lake) == rows_of(many)
    for name in ("pair_counts", "fg_a"):
        assert Lake(str(lake), SPEC).files(name).num_rows == 1
    assert list(left_over(lake)) == []


def test_inference_and_join_find_what_they_found_before(tmp_path: Path) -> None:
    before = make_lake(tmp_path / "before")
    train_model(before)
    lake = Lake(str(before), SPEC)
    for name in ("fg_a", "fg_c"):
        for number, part in enumerate([lake.arrow(name, windows=window) for window in RANGE]):
            write_table(before, name, part, mode="append" if number else "overwrite")
    after = shutil.copytree(before, tmp_path / "after")
    maintain(after, NOW)
    kept_up = Lake(str(after), SPEC)
    assert (lake.files("fg_a").num_rows, kept_up.files("fg_a").num_rows) == (len(RANGE), 1)
    assert input_digest(kept_up, RANGE) == input_digest(lake, RANGE)
    for place in (before, after):
        for command in (inference, join):
            code, _, error = run(command, "--window", RANGE, "--lake", place, "--engine", ENGINE)
            assert code == 0, error
    for name in ("predictions", "prediction_join", "model_drift"):
        assert_same_table(after, before, name)
