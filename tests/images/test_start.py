"""How soon a container gives its first result; by itself, because what else the machine does counts too."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

from tests.images.containers import run_image
from tests.images.small_lake import WINDOW, SmallLake

LIMIT_SECONDS = 5
ATTEMPTS = 6  # one has to be undisturbed by other work of the machine


def test_the_first_result_comes_within_five_seconds(small_lake: SmallLake, tmp_path: Path) -> None:
    folder = small_lake.before("ndr-pair-counts", tmp_path / "container")
    taken: list[float] = []
    while not taken or (taken[-1] >= LIMIT_SECONDS and len(taken) < ATTEMPTS):
        shutil.rmtree(folder / "lake" / "pair_counts", ignore_errors=True)
        began = time.monotonic()
        done = run_image("ndr-pair-counts", "--window", WINDOW, "--lake", "/lake", folder=folder)
        taken.append(time.monotonic() - began)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["rows_out"]
    assert taken[-1] < LIMIT_SECONDS, f"seconds of each attempt: {taken}"
