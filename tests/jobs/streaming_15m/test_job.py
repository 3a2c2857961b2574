"""One process makes the tables and reports of the four feature stages."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from click.testing import CliRunner, Result
from pyspark.sql import SparkSession

from common.config.project import ProjectParameters
from common.errors import InputError
from common.features.spec import Horizon
from common.lake.lake import Lake
from common.lake.window_status import whole_windows
from common.windows import Windows
from jobs.delta.cli import main as delta
from jobs.fg_a.cli import main as fg_a
from jobs.fg_a.job import run as run_fg_a
from jobs.fg_b.config import BaselineConfig
from jobs.fg_b.job import run as run_fg_b
from jobs.fg_c.cli import main as fg_c
from jobs.pair_counts.cli import main as pair_counts
from jobs.pair_counts.job import run as run_pair_counts
from jobs.streaming_15m.cli import main as fused
from tests.commands import Argument, call, error_lines
from tests.common.lake.killing import killed_at
from tests.conftest import ENGINE, Stages, write_sessions
from tests.factories import SPEC, random_sessions, sessions
from tests.factories import session as session_row
from tests.jobs.delta.deliveries import deliver
from tests.lakes import assert_same_table, mark_lake

pytestmark = pytest.mark.slow

PAST = "2026-03-10T08:08Z/2026-03-10T12:08Z"
NOW = "2026-03-10T12:08Z/2026-03-10T12:38Z"
REFERENCE = datetime(2026, 3, 10, 12, 8, tzinfo=UTC)
PROJECT = ProjectParameters(horizons={"7d": Horizon(days=0.15, gap_days=0)})
SETTINGS = "horizons: {7d: {days: 0.15, gap_days: 0}}\n"
WRITTEN = (
    "sessions_rejected",
    "session_keys",
    "sessions",
    "open_sessions",
    "log_volume",
    "delta_pair",
    "delta_host",
    "fg_a",
    "pair_counts",
    "fg_c",
)


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sessions of the windows to come, one still open, and a batch of one of them with a session of days before."""
    folder = tmp_path_factory.mktemp("logs")
    opened = sessions(session_row(subtype="start", end_ts="2026-03-10T12:09:00", duration_s=0.0))
    now = random_sessions(600, 3, "2026-03-10T12:08:00", hours=0.5)
    write_sessions(pa.concat_tables([now, opened]), folder / "now.parquet")
    deliver(folder / "old", "2026-03-10T12:38:05Z", random_sessions(1, 4, "2026-03-01T12:08:00", hours=0.1))
    return folder


@pytest.fixture(scope="module")
def past(session: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with the hours before and their baselines; tests that write take a copy."""
    folder = tmp_path_factory.mktemp("past")
    stages = Stages(session, folder / "lake", PROJECT)
    mark_lake(stages.folder, "acme", yaml.safe_load(SETTINGS))
    stages.delta(PAST, write_sessions(random_sessions(1500, 2, "2026-03-10T08:08:00", hours=4), folder / "p.parquet"))
    stages.run_windows(run_pair_counts, PAST)
    stages.run_windows(run_fg_a, PAST)
    stages.run(run_fg_b, BaselineConfig(**stages.config(PAST), baseline_month="2026-03", reference=REFERENCE))
    return stages.folder


def reports(*results: Result) -> list[dict[str, Any]]:
    """The run reports on stdout without what differs between runs."""
    for result in results:
        assert result.exit_code == 0, result.stderr
    found = [json.loads(line) for result in results for line in result.stdout.splitlines()]
    return [report | {"seconds": 0, "steps": [step["step"] for step in report["steps"]]} for report in found]


def test_tables_and_reports_are_those_of_the_four_commands(
    session: SparkSession, past: Path, logs: Path, tmp_path: Path
) -> None:
    (tmp_path / "project.yaml").write_text(SETTINGS)
    options = ["--window", NOW, "--engine", ENGINE, "--parameters", str(tmp_path / "project.yaml")]
    options += ["--project-name", "acme", "--mini-batch-id", "7d9"]
    one, four = (
        Stages(session, shutil.copytree(past, tmp_path / "one")),
        Stages(session, shutil.copytree(past, tmp_path / "four")),
    )
    ingest = ["--input", str(logs), "--max-rejected-ratio", "0.5"]
    runner = CliRunner()
    apart = [
        runner.invoke(main, [*options, "--lake", str(four.folder), *more])
        for main, more in (
            (delta, ingest),
            (fg_a, []),
            (pair_counts, []),
            (fg_c, ["--baseline-month", "2026-03"]),
        )
    ]
    together = runner.invoke(fused, [*options, "--lake", str(one.folder), *ingest, "--baseline-month", "2026-03"])
    assert reports(together) == reports(*apart)
    assert [report["stage"] for report in reports(together)] == ["ndr-delta", "ndr-fg-a", "ndr-pair-counts", "ndr-fg-c"]
    for name in WRITTEN:
        assert four.lake.arrow(name).num_rows
        assert_same_table(one.folder, four.folder, name)


def test_a_run_from_a_later_stage_makes_its_tables_of_those_before(past: Path, logs: Path, tmp_path: Path) -> None:
    lake = shutil.copytree(past, tmp_path / "lake")
    opened, windows = Lake(str(lake), SPEC), Windows.parse(NOW)
    options = ["--window", NOW, "--engine", ENGINE, "--lake", str(lake), "--baseline-month", "2026-03"]

    def deviations() -> pa.Table:
        return opened.arrow("fg_c", windows=windows).sort_by([("window", "ascending"), ("host_ip", "ascending")])

    reports(CliRunner().invoke(fused, [*options, "--input", str(logs / "now.parquet")]))
    versions, made = {name: opened.version(name) for name in WRITTEN}, deviations()
    for first, again in (("fg-a", ["fg_a", "pair_counts", "fg_c"]), ("fg-c", ["fg_c"])):
        done = CliRunner().invoke(fused, [*options, "--input", str(tmp_path / "none"), "--from", first])
        assert [report["stage"] for report in reports(done)] == [f"ndr-{name.replace('_', '-')}" for name in again]
        versions |= {name: versions[name] + 1 for name in again}
        assert {name: opened.version(name) for name in WRITTEN} == versions
        assert deviations() == made
        assert set(whole_windows(opened, windows, "fg_a")) == {window.key for window in windows}


def test_a_stage_that_fails_is_named_and_ends_the_run(past: Path, logs: Path, tmp_path: Path) -> None:
    lake = shutil.copytree(past, tmp_path / "lake")
    shutil.rmtree(lake / "fg_b" / "host")
    arguments = ["--window", NOW, "--engine", ENGINE, "--lake", str(lake), "--input", str(logs / "now.parquet")]
    done = CliRunner().invoke(fused, arguments)
    assert done.exit_code == 1
    assert [json.loads(line)["stage"] for line in done.stdout.splitlines()] == [
        "ndr-delta",
        "ndr-fg-a",
        "ndr-pair-counts",
    ]
    (error,) = error_lines(done.stderr)
    assert error.startswith("error: ndr-fg-c: table fg_b/host ")
    alone = CliRunner().invoke(fg_c, ["--window", NOW, "--engine", ENGINE, "--lake", str(lake)])
    assert error == alone.stderr.splitlines()[-1].replace("error: ", "error: ndr-fg-c: ")


def check_killed_run(past: Path, logs: Path, folder: Path, commit: int) -> list[str]:
    """A run killed before that commit leaves windows that readers refuse; the next run makes them whole.

    Gives the tables that were committed before.
    """
    lake = shutil.copytree(past, folder / "lake")
    (folder / "project.yaml").write_text(SETTINGS)
    options: list[Argument] = ["--window", NOW, "--engine", ENGINE, "--lake", lake, "--input", logs / "now.parquet"]
    options += ["--parameters", folder / "project.yaml", "--baseline-month", "2026-03"]
    windows = Windows.parse(NOW)
    opened = Lake(str(lake), SPEC)
    with killed_at(commit) as done:
        call(fused, *options)
    if set(done) - {"sessions_rejected"}:
        with pytest.raises(InputError, match="not of one age"):
            whole_windows(opened, windows, "fg_a")
    code, _, error = call(fused, *options)
    assert code == 0, error
    assert set(whole_windows(opened, windows, "fg_a")) == {window.key for window in windows}
    return done


def test_a_run_killed_between_two_tables_leaves_windows_that_readers_refuse(
    past: Path, logs: Path, tmp_path: Path
) -> None:
    done = check_killed_run(past, logs, tmp_path, 6)
    assert done == ["sessions_rejected", "window_status", "sessions", "open_sessions", "log_volume", "delta_pair"]


def test_nothing_runs_after_a_stage_that_fails(tmp_path: Path) -> None:
    options = ("--window", NOW, "--engine", ENGINE, "--lake", tmp_path / "lake", "--input", tmp_path / "no.csv")
    code, output, error = call(fused, *options)
    assert (code, output) == (1, "")
    assert "error: ndr-delta: input" in error and "no.csv" in error
    assert not (tmp_path / "lake" / "delta_host").exists()


def test_a_failure_after_the_features_has_an_exit_code_of_its_own(past: Path, logs: Path, tmp_path: Path) -> None:
    lake = shutil.copytree(past, tmp_path / "lake")
    (tmp_path / "project.yaml").write_text(SETTINGS)
    (lake / "models" / "acme").mkdir(parents=True)
    (lake / "models" / "acme" / "current.json").write_text("no JSON")
    options: list[Argument] = ["--window", NOW, "--engine", ENGINE, "--lake", lake, "--input", logs / "now.parquet"]
    options += ["--parameters", tmp_path / "project.yaml", "--baseline-month", "2026-03", "--mini-batch-id", "b"]
    code, output, error = call(fused, *options, "--through", "join")
    assert code == 3, error
    assert "error: ndr-inference: " in error and "current.json" in error
    assert [json.loads(line)["stage"] for line in output.splitlines()][-1] == "ndr-fg-c"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--window", NOW, "--lake", "x"], "--input"),
        (["--window", NOW, "--input", "x", "--lake", "x", "--through", "join"], "--mini-batch-id"),
        (["--window", NOW, "--input", "x"], "--lake"),
        (["--window", NOW, "--input", "x", "--lake", "x", "--baseline-month", "2026-13"], "2026-13"),
        (["--window", "2026-03-10T12:10Z", "--input", "x", "--lake", "x"], "2026-03-10T12:08Z"),
    ],
)
def test_wrong_arguments_are_usage_errors(arguments: list[str], words: str) -> None:
    done = CliRunner().invoke(fused, arguments)
    assert done.exit_code == 2
    assert words in done.stderr
