"""Zones in S3."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from common.c360.manifest import read_manifest
from jobs.c360_staging.config import StagingConfig
from jobs.c360_staging.job import run
from localaws.cli.process import LocalAws
from tests.jobs.c360_staging.zones import change, day, deliver, moment
from tests.localaws.running import unique

pytestmark = pytest.mark.slow


def test_a_zone_in_s3_becomes_a_snapshot_in_s3(tmp_path: Path, aws_environment: LocalAws) -> None:
    # on the local AWS of all tests: Sail keeps the first credentials that its process has used
    s3, bucket, clean = aws_environment.client("s3"), unique("zones"), tmp_path / "clean"
    s3.create_bucket(Bucket=bucket)
    deliver(clean, "customers", 1, [{"customer_id": "C1"}], [{"customer_id": "C1", "first_name": "Ada"}])
    deliver(clean, "activity_logs", 1, [change("e", moment(1, 1), "P1", "P2")])
    for path in clean.rglob("*.*"):
        s3.put_object(Bucket=bucket, Key=f"{path.relative_to(tmp_path)}", Body=path.read_bytes())
    run(StagingConfig(f"s3://{bucket}/clean", f"s3://{bucket}/staging", day(1)))
    content = {
        found["Key"].removeprefix("staging/"): s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read()
        for found in s3.list_objects_v2(Bucket=bucket, Prefix="staging/")["Contents"]
    }
    manifest = read_manifest(content["manifest.json"], "manifest.json")
    files = {file.name: file for table in manifest.tables.values() for file in table.files}
    copy, accepted = f"manifests/{manifest.run_id}.json", f"accepted/{day(1)}.json"
    assert {*content} == {*files, "manifest.json", copy, accepted}
    for name, file in files.items():
        assert (len(content[name]), hashlib.sha256(content[name]).hexdigest()) == (file.bytes, file.sha256)
    (customers,), (events,) = manifest.tables["customers"].files, manifest.tables["activity_logs"].files
    assert pq.read_table(io.BytesIO(content[customers.name]))["first_name"].to_pylist() == ["Ada"]
    assert pq.read_table(io.BytesIO(content[events.name]))["plan_id"].to_pylist() == ["P2"]
