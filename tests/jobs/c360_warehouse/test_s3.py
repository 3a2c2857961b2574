from __future__ import annotations

from pathlib import Path

import pytest

from jobs.c360_warehouse.config import LoadConfig
from jobs.c360_warehouse.job import run
from localaws.cli.process import LocalAws
from tests.jobs.c360_warehouse.loads import contents, load
from tests.jobs.c360_warehouse.snapshots import Snapshot, day, event

pytestmark = pytest.mark.slow


def test_a_snapshot_in_s3_is_loaded_as_one_on_disk(aws_environment: LocalAws, tmp_path: Path) -> None:
    load(tmp_path / "disk", Snapshot(day(2), events=[event()], files=2))
    s3 = aws_environment.client("s3")
    s3.create_bucket(Bucket="c360-warehouse")
    staging = tmp_path / "disk" / "staging"
    for path in staging.rglob("*"):
        if path.is_file():
            s3.upload_file(str(path), "c360-warehouse", f"staging/{path.relative_to(staging)}")
    run(LoadConfig("s3://c360-warehouse/staging", tmp_path / "s3" / "warehouse"))
    assert contents(tmp_path / "s3") == contents(tmp_path / "disk")
    assert len(contents(tmp_path / "s3")["fact_activity"]) == 1
