"""A folder as the examples of the images' help expect it: logs of one window, a lake, project parameters."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from common.lake.lake import Lake
from common.windows import Windows
from tests.commands import command_line
from tests.factories import SPEC
from tests.lakes import assert_same_table
from tools.simulate.batches import batch_path

WINDOW = "2026-03-10T13:08Z"
BATCH = batch_path("acme", "hq", int(Windows.parse(WINDOW).start.timestamp()))
LAKE, LOGS = "demo/lake", f"demo/scenario/{BATCH}"
"""Where the examples have the lake and the batch of the window."""

HISTORY = "2026-03-02T08:08Z/2026-03-02T14:08Z"
BASELINES = ("--month", "2026-03", "--reference-time", "2026-03-10T00:08Z")
"""The arguments of the example; the history is inside both horizons before the reference time, with their gaps."""
TRAINING = "2026-03-10T11:38Z/2026-03-10T13:08Z"
# with an id of its own, because the one that is derived follows from the release of Python too
TRAINED = ("--run-id", "small", "--min-rows", "20", "--n-estimators", "10", "--max-samples", "16",
           "--random-state", "1")  # fmt: skip
ARRIVED = datetime(2026, 3, 10, 13, 23, 11, tzinfo=UTC).timestamp()  # the event that closes the window
USER = 1000  # of the images

# what each stage writes; a model is not a table
OF_DELTA = ("sessions_rejected", "session_keys", "sessions", "open_sessions", "log_volume",
            "delta_pair", "delta_host")  # fmt: skip
WRITTEN = {
    "ndr-delta": OF_DELTA,
    "ndr-pair-counts": ("pair_counts",),
    "ndr-fg-a": ("fg_a", "pair_days"),
    "ndr-15m": (*OF_DELTA, "fg_a", "pair_counts", "fg_c"),
    "ndr-fg-b": ("fg_b/host", "fg_b/segment", "fg_b/ip_metadata", "fg_b/pair/host", "fg_b/pair/segment",
                 "fg_b/publications"),
    "ndr-fg-c": ("fg_c",),
    "ndr-if-training": (),
    "ndr-inference": ("predictions",),
    "ndr-join": ("prediction_join",),
}  # fmt: skip


def run_command(name: str, *arguments: str | Path, cwd: Path) -> str:
    """What an installed command printed on stdout."""
    done = subprocess.run(command_line(name, *arguments), cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{name}: {done.stderr}"
    return done.stdout


def build(folder: Path) -> None:
    """Fills the folder: a quarter of a day of history, one before the window a week later, the window."""
    folder.mkdir(parents=True)
    (folder / "project.yaml").write_text("training: {promotion: always}\n")
    simulated_day(folder, "history", "2026-03-02", "--no-attacks")
    simulated_day(folder, "day", "2026-03-10")
    batch = folder / "day" / BATCH
    for path in batch.iterdir():
        os.utime(path, (ARRIVED, ARRIVED))
    shutil.copytree(batch, folder / LOGS)
    for window in (HISTORY, TRAINING, WINDOW):
        for name in ("ndr-pair-counts", "ndr-fg-a"):
            run_command(name, "--window", window, "--lake", LAKE, cwd=folder)
    run_command("ndr-fg-b", *BASELINES, "--lake", LAKE, cwd=folder)
    for window in (TRAINING, WINDOW):
        run_command("ndr-fg-c", "--window", window, "--lake", LAKE, cwd=folder)
    run_command("ndr-if-training", *training_arguments(LAKE, "project.yaml"), cwd=folder)
    for name in ("ndr-inference", "ndr-join"):
        run_command(name, "--window", WINDOW, "--lake", LAKE, cwd=folder)


def simulated_day(folder: Path, name: str, start: str, *more: str) -> None:
    """Adds the logs of a day in a folder of that name, and their sessions to the lake."""
    small = ("--days", "1", "--hosts", "10", "--intensity", "0.1")
    run_command("ndr-simulate", "--out", name, "--start", start, *small, *more, cwd=folder)
    day = f"{start}T00:08Z/{start[:-2]}{int(start[-2:]) + 1:02}T00:08Z"
    run_command("ndr-delta", "--window", day, "--input", name, "--lake", LAKE, cwd=folder)


def training_arguments(lake: str, parameters: str) -> tuple[str, ...]:
    """The arguments of a training that a quarter of a day suffices for."""
    return ("--window", TRAINING, "--lake", lake, "--parameters", parameters, *TRAINED)


@dataclass(frozen=True)
class SmallLake:
    """The folder, and copies of it in which a stage has not run yet."""

    folder: Path

    def before(self, stage: str, target: Path, to_images_user: bool = True) -> Path:
        """A copy without what the stage writes, which the images' user may write to, or this one."""
        shutil.copytree(self.folder, target)
        for table in WRITTEN.get(stage, ()):
            shutil.rmtree(target / LAKE / table)
        if stage == "ndr-if-training":
            shutil.rmtree(target / LAKE / "models")
        if to_images_user:
            give_to_images_user(target)
        return target


def give_to_images_user(folder: Path) -> None:
    """Makes the folder and all in it the property of the user that the images have."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, USER, USER)


def assert_same(actual: Path, expected: Path, stage: str) -> None:
    """Checks that what the stage writes is the same below both folders."""
    for table in WRITTEN[stage]:
        rows = Lake(str(expected / LAKE), SPEC).arrow(table).num_rows
        assert rows or table in ("sessions_rejected", "open_sessions"), f"{stage} wrote no rows of {table}"
        assert_same_table(actual / LAKE, expected / LAKE, table, tolerance=1e-9)
