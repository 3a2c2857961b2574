"""Every wrong input gives one line on stderr that names the value and the remedy, and exit code 1 or 2."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
from pathlib import Path

import pytest

from common.runtime import catalog
from tests.commands import command_line
from tests.e2e.conftest import NOON, START, Command

pytestmark = pytest.mark.slow


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """The last message for the user; the log records of steps are not part of it."""
    lines = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert "Traceback" not in done.stderr
    return lines[-1]


def assert_one_error_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    lines = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert done.returncode == 1, done.stderr
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    assert not [word for word in words if word not in lines[0]], lines[0]


@pytest.mark.parametrize("name", [stage.command for stage in (*catalog.STAGES, *catalog.TOOLS)])
def test_every_command_has_help_with_an_example(command: Command, name: str) -> None:
    done = command(name, "--help")
    assert done.returncode == 0
    assert name in " ".join(done.stdout.split()).rpartition("Example: ")[2]


@pytest.mark.parametrize(
    ("window", "words"),
    [
        ("2026-03-10T13:10Z", ["2026-03-10T13:10", "2026-03-10T13:08Z"]),
        ("2026-03-10T13:08", ["2026-03-10T13:08", "zone"]),
        ("2026-13-10T13:08Z", ["2026-13-10T13:08Z"]),
        ("2026-03-10T13:08Z/2026-03-10T13:08Z", ["empty"]),
        ("2026-03-10T13:08Z/2026-03-10T13:30Z", ["2026-03-10T13:30", "grid"]),
        ("yesterday", ["yesterday"]),
    ],
)
def test_a_window_off_the_grid_is_a_usage_error(
    command: Command, tmp_path: Path, window: str, words: list[str]
) -> None:
    done = command("ndr-fg-a", "--window", window, "--lake", tmp_path)
    assert done.returncode == 2
    assert not [word for word in words if word not in last_line(done)], done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--lake", "/nowhere"], ["--window"]),
        (["--window", NOON], ["--lake"]),
        (["--window", NOON, "--lake", "gs://bucket/lake"], ["gs"]),
        (["--window", NOON, "--lake", "/nowhere", "--engine", "flink"], ["flink", "sail"]),
    ],
)
def test_missing_and_wrong_options_are_usage_errors(command: Command, arguments: list[str], words: list[str]) -> None:
    done = command("ndr-fg-a", *arguments)
    assert done.returncode == 2
    assert not [word for word in words if word not in done.stderr], done.stderr


def test_a_missing_input_is_named(command: Command, tmp_path: Path) -> None:
    done = command("ndr-delta", "--window", NOON, "--lake", tmp_path / "lake", "--input", tmp_path / "no.csv")
    assert_one_error_line(done, "no.csv", "does not exist")
    assert not (tmp_path / "lake" / "delta_host").exists()


def test_an_empty_input_is_an_error(command: Command, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    done = command("ndr-delta", "--window", NOON, "--lake", tmp_path / "lake", "--input", tmp_path / "empty.csv")
    assert_one_error_line(done, "empty.csv")


def test_an_unknown_specification_is_named(command: Command, tmp_path: Path) -> None:
    done = command("ndr-fg-a", "--window", NOON, "--lake", tmp_path, "--feature-spec-version", "v9")
    assert_one_error_line(done, "v9", "v1")


def test_unknown_project_parameters_are_named(command: Command, tmp_path: Path) -> None:
    (tmp_path / "project.yaml").write_text("internal_cidr: 10.0.0.0/8\n")
    done = command("ndr-fg-a", "--window", NOON, "--lake", tmp_path, "--parameters", tmp_path / "project.yaml")
    assert_one_error_line(done, "internal_cidr", "internal_cidrs")


def test_a_missing_table_names_the_stage_to_run(command: Command, tmp_path: Path) -> None:
    assert_one_error_line(command("ndr-fg-a", "--window", NOON, "--lake", tmp_path), "delta_host", str(tmp_path))
    assert_one_error_line(command("ndr-pair-counts", "--window", NOON, "--lake", tmp_path), "delta_pair")


def test_a_window_without_slices_is_an_error(command: Command, slices: Path) -> None:
    done = command("ndr-fg-a", "--window", "2026-04-01T12:08Z", "--lake", slices)
    assert_one_error_line(done, "delta_host", "2026-04-01T12:08Z", "ndr-delta")


def test_a_missing_baseline_names_table_and_month(command: Command, slices: Path) -> None:
    done = command("ndr-fg-c", "--window", NOON, "--lake", slices, "--baseline-month", "2026-02")
    assert_one_error_line(done, "fg_b", "2026-02")


def test_a_corrupt_delta_log_is_named(command: Command, slices: Path, tmp_path: Path) -> None:
    lake = shutil.copytree(slices, tmp_path / "lake")
    for commit in (lake / "delta_host" / "_delta_log").glob("*.json"):
        commit.write_text("{ not json\n")
    assert_one_error_line(
        command("ndr-fg-a", "--window", NOON, "--lake", lake), "delta_host", "damaged", ".json, line 1"
    )


def test_too_many_rejects_fail_after_they_are_written(command: Command, logs: Path, tmp_path: Path) -> None:
    """The batch of midnight is not the input of a window at noon: all of its sessions end outside it."""
    batch = logs / json.loads((logs / "scenario.json").read_text())["batches"][0]["path"]
    done = command("ndr-delta", "--window", NOON, "--lake", tmp_path / "lake", "--input", batch)
    assert_one_error_line(done, "max_rejected_ratio", "outside the window", "sessions_rejected")
    assert (tmp_path / "lake" / "sessions_rejected").exists()
    assert not (tmp_path / "lake" / "delta_host").exists()


def test_a_full_disk_leaves_the_table_as_it_was(slices: Path, tmp_path: Path) -> None:
    """Writes beyond a size fail for the process as they do on a full disk."""
    lake = shutil.copytree(slices, tmp_path / "lake")
    before = sorted(path.name for path in (lake / "fg_a" / "_delta_log").iterdir())

    def no_space() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    done = subprocess.run(
        command_line("ndr-fg-a", "--window", START, "--lake", lake),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=no_space,
    )
    assert_one_error_line(done, "fg_a", "Free some space")
    assert sorted(path.name for path in (lake / "fg_a" / "_delta_log").iterdir()) == before
