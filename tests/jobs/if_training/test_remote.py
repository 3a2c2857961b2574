"""The lifecycle on a lake in S3."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localaws.cli.process import LocalAws
from tests.jobs.if_training.lakes import add_windows, span
from tests.localaws.running import running_local_aws

pytestmark = pytest.mark.slow

BUCKET = "training-lake"
RANGE = span(8)


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS with a lake in a bucket."""
    with running_local_aws(tmp_path_factory.mktemp("remote-aws")) as running:
        lake = tmp_path_factory.mktemp("lake")
        add_windows(lake, RANGE)
        s3 = running.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        for path in lake.rglob("*"):
            if path.is_file():
                s3.upload_file(str(path), BUCKET, f"lake/{path.relative_to(lake)}")
        yield running


def run(local: LocalAws, *arguments: str) -> dict[str, Any]:
    command = str(Path(sysconfig.get_path("scripts")) / "ndr-if-training")
    done = subprocess.run(
        [command, "--lake", f"s3://{BUCKET}/lake", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **local.environment},
    )
    assert done.returncode == 0, done.stderr
    details: dict[str, Any] = json.loads(done.stdout)["details"]
    return details


def test_all_stages_and_the_way_back(local: LocalAws) -> None:
    common = ("--window", str(RANGE), "--min-rows", "20", "--n-estimators", "20", "--max-samples", "16")
    first = run(local, *common, "--run-id", "one")
    assert first["model_uri"] == f"s3://{BUCKET}/lake/models/local/one"
    listed = local.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="lake/models/local/one/")["Contents"]
    assert {Path(entry["Key"]).name for entry in listed} >= {
        "SUCCESS",
        "arrays.safetensors",
        "deployment.json",
        "report.html",
    }
    run(local, *common, "--run-id", "two", "--random-state", "3")
    assert run(local, "--stage", "rollback") == {"rolled_back": "two", "run_id": "one"}
    pointer = local.client("s3").get_object(Bucket=BUCKET, Key="lake/models/local/current.json")["Body"].read()
    assert json.loads(pointer)["run_id"] == "one"
