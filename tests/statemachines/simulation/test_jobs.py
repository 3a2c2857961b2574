"""The model of the jobs against the jobs: what the tables hold after a kill before and after each commit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import SparkSession

from common.config.project import ProjectParameters
from common.features.spec import Horizon
from jobs.fg_a.job import run as run_fg_a
from jobs.fg_b.config import BaselineConfig
from jobs.fg_b.job import run as run_fg_b
from jobs.pair_counts.job import run as run_pair_counts
from tests.checkout import ROOT
from tests.conftest import ENGINE, SPEC, Stages, write_sessions
from tests.factories import random_sessions, session, sessions
from tests.lakes import mark_lake
from tests.statemachines.simulation.jobs import Lake, commit, steps_of
from tests.statemachines.simulation.killed import KILLED

pytestmark = pytest.mark.slow

PAST, NOW = "2026-03-10T08:08Z/2026-03-10T12:08Z", "2026-03-10T12:08Z"
REFERENCE = datetime(2026, 3, 10, 12, 8, tzinfo=UTC)
PROJECT = ProjectParameters(horizons={"7d": Horizon(days=0.15, gap_days=0)})
SETTINGS = "horizons: {7d: {days: 0.15, gap_days: 0}}\n"
HOSTS = {"10.1.1.10": "a", "10.1.2.20": "b"}
"""The one host of each batch."""
WHO = {"delta_pair": "host_ip", "pair_counts": "src_ip", "sessions_rejected": "source_file"}
STEPS = steps_of("ndr-15m-streaming")
POINTS = [(place, number) for number in range(len(STEPS)) for place in ("before", "after")]
IN_CI = [("after", 1)]
POINTS_TO_TRY = POINTS if os.environ.get("NDR_TORTURE") else IN_CI


@pytest.fixture(scope="module")
def folder(session: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two batches of a window, each of one host, with a record that is rejected; and a lake that holds the first."""
    folder = tmp_path_factory.mktemp("killed")
    for host, batch in HOSTS.items():
        write_batch(folder / batch, host)
    (folder / "project.yaml").write_text(SETTINGS)
    stages = Stages(session, folder / "lake", PROJECT)
    mark_lake(stages.folder, settings=yaml.safe_load(SETTINGS))
    stages.delta(PAST, write_sessions(random_sessions(300, 2, "2026-03-10T08:08:00", hours=4), folder / "past.parquet"))
    stages.run_windows(run_pair_counts, PAST)
    stages.run_windows(run_fg_a, PAST)
    stages.run(run_fg_b, BaselineConfig(**stages.config(PAST), baseline_month="2026-03", reference=REFERENCE))
    done = killed(folder, folder / "lake", "before", 999, "a")
    assert done.returncode == 0, done.stderr
    return folder


def write_batch(path: Path, host: str) -> None:
    path.mkdir()
    inside = [session(src_ip=host, end_ts=f"2026-03-10T12:1{minute}:00") for minute in range(5)]
    outside = session(src_ip=host, end_ts="2026-03-01T12:10:00")
    write_sessions(sessions(*inside, outside), path / f"{path.name}.parquet")


def killed(folder: Path, lake: Path, place: str, number: int, *batches: str) -> subprocess.CompletedProcess[str]:
    """The feature stages, killed at a commit."""
    inputs = [part for batch in batches for part in ("--input", str(folder / batch))]
    options = ["--window", NOW, "--engine", ENGINE, "--lake", str(lake), "--parameters", str(folder / "project.yaml")]
    more = ["--max-rejected-ratio", "0.5", "--baseline-month", "2026-03", *inputs]
    module = "tests.statemachines.simulation.killed"
    return subprocess.run(
        [sys.executable, "-m", module, "jobs.streaming_15m.cli", place, str(number), *options, *more],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


def held(lake: Path) -> dict[str, set[str]]:
    """The batches whose rows each table has in the window."""
    return {table: {batch_of(row) for row in rows(lake, table)} - {""} for _, _, table in STEPS}


def rows(lake: Path, table: str) -> list[str]:
    from common.lake.lake import Lake as Tables
    from common.windows import Windows

    column = WHO.get(table, "host_ip")
    found: Mapping[str, Any] = Tables(str(lake), SPEC).arrow(table, windows=Windows.parse(NOW)).to_pydict()
    return [str(value) for value in found[column]]


def batch_of(value: str) -> str:
    """The batch of a host or of a file."""
    return HOSTS.get(value, "") if "/" not in value else Path(value).stem


@pytest.mark.parametrize(("place", "number"), POINTS_TO_TRY)
def test_the_tables_after_a_kill_are_those_of_the_model(folder: Path, tmp_path: Path, place: str, number: int) -> None:
    lake = shutil.copytree(folder / "lake", tmp_path / "lake")
    model: Lake = {}
    for _, _, table in STEPS:
        model[NOW, table] = commit(model, NOW, table, frozenset("a"), "first")
    assert held(lake) == {table: {"a"} for _, _, table in STEPS}

    done = killed(folder, lake, place, number, "a", "b")
    assert done.returncode == KILLED, done.stderr
    for _, _, table in STEPS[: number + (place == "after")]:
        model[NOW, table] = commit(model, NOW, table, frozenset("ab"), "second")
    assert held(lake) == {table: set(content.batches) for (_, table), content in model.items()}


def test_a_batch_that_cannot_be_read_ends_the_job_before_its_first_commit(folder: Path, tmp_path: Path) -> None:
    lake = shutil.copytree(folder / "lake", tmp_path / "lake")
    done = killed(folder, lake, "before", 999, "a", "missing")
    assert done.returncode == 1 and "missing" in done.stderr
    assert held(lake) == {table: {"a"} for _, _, table in STEPS}
