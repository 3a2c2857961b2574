"""The command, and the script of the Glue job."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.c360_staging.cli import main
from tests.checkout import ROOT
from tests.commands import call, error_lines
from tests.jobs.c360_staging.zones import day, deliver, manifest_of, rows_of, stage, table

pytestmark = pytest.mark.slow

SCRIPT = ROOT / "jobs/c360_staging/c360_staging.py"
OF_GLUE = [
    "--JOB_NAME",
    "c360-staging",
    "--JOB_RUN_ID",
    "jr_1",
    "--TempDir",
    "s3://assets/",
    "--enable-metrics",
    "true",
]


def start(zones: Path, number: int, *arguments: str) -> subprocess.Popen[str]:
    """The script with the arguments of Glue and those of the job."""
    own = ["--CLEAN", str(zones / "clean"), "--STAGING", str(zones / "staging"), "--AS_OF", str(day(number))]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))}
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), *OF_GLUE, "--ENGINE", "sail", *own, *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip


def test_a_day_that_is_none_is_a_usage_error(tmp_path: Path) -> None:
    code, _, error = call(main, "--clean", tmp_path, "--staging", tmp_path, "--as-of", "2026-02-30")
    assert (code, "2026-02-30" in error) == (2, True)


def test_a_zone_without_files_is_one_line(tmp_path: Path) -> None:
    code, _, error = call(main, "--clean", tmp_path, "--staging", tmp_path, "--as-of", "2026-03-01")
    assert (code, error_lines(error)) == (1, [
        f"error: {tmp_path} has no files of 2026-03-01 or a day before. Run c360-clean first",
    ])  # fmt: skip


def test_the_glue_job_fails_and_takes_its_arguments(tmp_path: Path) -> None:
    deliver(tmp_path / "clean", "customers", 1, [{"customer_id": "C1"}, {"customer_id": "C2"}])
    deliver(tmp_path / "clean", "customers", 2, [{"customer_id": "C1"}])
    stage(tmp_path, 1)
    refused = start(tmp_path, 2)
    error = refused.communicate()[1]
    assert (refused.returncode, error.rstrip().splitlines()[-1][:19]) == (1, "error: 1 customers "), error
    accepted = start(tmp_path, 2, "--ACCEPT_SHRINK", "true")
    assert accepted.wait() == 0
    assert [row["customer_id"] for row in table(tmp_path, "customers")] == ["C1"]


@pytest.mark.parametrize("step", ["customers", "activity_logs"])
def test_a_killed_run_leaves_the_old_snapshot_and_the_next_one_clears_up(tmp_path: Path, step: str) -> None:
    for number in (1, 2):
        deliver(tmp_path / "clean", "customers", number, [{"customer_id": f"C{number}"}])
    stage(tmp_path, 1)
    old = manifest_of(tmp_path)
    running = start(tmp_path, 2)
    assert running.stderr
    for line in running.stderr:
        if f'"step": "{step}", "event": "started"' in line:
            running.kill()
            break
    assert running.wait() == -9
    running.communicate()
    assert manifest_of(tmp_path) == old
    assert [row["customer_id"] for row in rows_of(tmp_path / "staging", old, "customers")] == ["C1"]
    stage(tmp_path, 2)
    assert [row["customer_id"] for row in table(tmp_path, "customers")] == ["C2"]
    named = {file.name for manifest in (old, manifest_of(tmp_path))
             for found in manifest.tables.values() for file in found.files}  # fmt: skip
    staging = tmp_path / "staging"
    assert {str(path.relative_to(staging)) for path in staging.rglob("*.parquet")} == named
    assert not list(staging.rglob("ndr-run-*"))


def test_of_two_runs_at_once_one_is_published_whole(tmp_path: Path) -> None:
    for number in (1, 2):
        deliver(tmp_path / "clean", "customers", number, [{"customer_id": "C1"}])
    running = [start(tmp_path, number) for number in (1, 2)]
    errors = [each.communicate()[1] for each in running]
    codes = [each.returncode for each in running]
    assert 0 in codes
    for code, error in zip(codes, errors, strict=True):
        assert code == 0 or "another run has published" in error, error
    assert manifest_of(tmp_path).as_of in {day(number) for number, code in zip((1, 2), codes, strict=True) if code == 0}
    assert [row["customer_id"] for row in table(tmp_path, "customers")] == ["C1"]
