"""A small office, of which an afternoon is scored by a model of the day and a half before."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from jobs.delta.cli import main as delta
from jobs.fg_a.cli import main as fg_a
from jobs.fg_b.cli import main as fg_b
from jobs.fg_c.cli import main as fg_c
from jobs.if_training.cli import main as training
from jobs.inference.cli import main as inference
from jobs.pair_counts.cli import main as pair_counts
from tests.commands import call
from tools.simulate.cli import main as simulate

ALL = "2026-03-09T00:08Z/2026-03-10T14:23Z"
LEARNT = "2026-03-09T00:08Z/2026-03-10T12:08Z"
SCORED = "2026-03-10T13:53Z/2026-03-10T14:23Z"
SETTINGS = """
horizons: {7d: {days: 1.5, gap_days: 0}}
training: {min_coverage: 0.0, promotion: always, min_rows: 200, tuning_trials: 1}
"""


def run(command: Any, *arguments: str | Path) -> str:
    """What a command prints that succeeds."""
    code, out, error = call(command, *arguments)
    assert code == 0, error
    return out


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lake; tests take a copy."""
    folder = tmp_path_factory.mktemp("canary")
    lake, logs, settings = folder / "lake", folder / "logs", folder / "settings.yaml"
    settings.write_text(SETTINGS)
    run(simulate, "--out", logs, "--hosts", "16", "--days", "2", "--intensity", "0.2", "--start", "2026-03-09",
        "--attack-days", "0")  # fmt: skip
    run(delta, "--window", ALL, "--input", logs, "--lake", lake, "--parameters", settings)
    for command in (fg_a, pair_counts):
        run(command, "--window", ALL, "--lake", lake)
    run(fg_b, "--month", "2026-03", "--reference-time", "2026-03-10T12:08Z", "--lake", lake)
    run(fg_c, "--window", ALL, "--lake", lake)
    run(training, "--window", LEARNT, "--lake", lake)
    assert json.loads(run(inference, "--window", SCORED, "--lake", lake))["rows_out"] > 20
    return lake


@pytest.fixture
def lake(office: Path, tmp_path: Path) -> Path:
    return shutil.copytree(office, tmp_path / "lake")
