"""The chain over a lake in S3: logs, slices and features in the bucket equal those of a lake on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from common.lake.lake import Lake
from common.windows import Windows
from localaws.cli.process import LocalAws
from tests.commands import error_lines
from tests.e2e.conftest import NOON, Command
from tests.factories import SPEC
from tests.lakes import assert_same_table
from tools.simulate.batches import batch_path

pytestmark = pytest.mark.slow

BUCKET = "e2e-lake"
WINDOWS = Windows.parse("2026-03-03T12:08Z/2026-03-03T12:38Z")
LAST = list(WINDOWS)[-1]
FOLDERS = [batch_path("acme", "hq", int(window.start.timestamp())) for window in WINDOWS]
WRITTEN = ("delta_pair", "delta_host", "pair_counts", "fg_a")


@pytest.fixture
def batches(aws_environment: LocalAws, logs: Path) -> str:
    """The batches of the windows, uploaded, as one text."""
    s3 = aws_environment.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    for path in sorted(path for folder in FOLDERS for path in (logs / folder).iterdir()):
        s3.upload_file(str(path), BUCKET, str(path.relative_to(logs)))
    return ",".join(f"s3://{BUCKET}/{folder}" for folder in FOLDERS)


def run_chain(command: Command, lake: str, inputs: str) -> None:
    for name, windows, *more in (
        ("ndr-delta", WINDOWS, "--input", inputs),
        ("ndr-pair-counts", WINDOWS),
        ("ndr-fg-a", WINDOWS),
        ("ndr-fg-a", LAST),  # a window that is there is replaced
    ):
        done = command(name, "--window", str(windows), "--lake", lake, *more)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["rows_out"]


def test_a_lake_in_s3_holds_the_tables_of_a_lake_on_disk(
    command: Command, batches: str, logs: Path, tmp_path: Path
) -> None:
    run_chain(command, f"s3://{BUCKET}/lake", batches)
    run_chain(command, str(tmp_path / "lake"), ",".join(str(logs / folder) for folder in FOLDERS))
    for name in WRITTEN:
        expected = Lake(str(tmp_path / "lake"), SPEC).arrow(name)
        assert set(expected["window"].to_pylist()) == {window.key for window in WINDOWS}
        assert_same_table(f"s3://{BUCKET}/lake", tmp_path / "lake", name)
    order = [("session_id", "ascending"), ("sequence_number", "ascending")]
    kept = [
        Lake(place, SPEC).arrow("sessions").drop_columns("source_file").sort_by(order)
        for place in (f"s3://{BUCKET}/lake", str(tmp_path / "lake"))
    ]
    assert kept[0].equals(kept[1]) and len(kept[0])


def test_a_lake_in_a_missing_bucket_is_an_error(command: Command, aws_environment: LocalAws) -> None:
    done = command("ndr-fg-a", "--window", NOON, "--lake", "s3://e2e-no-such-bucket/lake")
    assert done.returncode == 1
    (error,) = error_lines(done.stderr)
    assert error.startswith("error: ") and "s3://e2e-no-such-bucket/lake" in error
