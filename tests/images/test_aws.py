"""An image reaches AWS as the environment names it: Redshift and DynamoDB's neighbours, and a lake in S3."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from common.lake import Lake
from common.project_groups import RedshiftParameters
from jobs.demo.inventory import seed_inventory
from statemachines.local.process import LocalAws
from tests.conftest import SPEC
from tests.images.containers import run_image

BUCKET = "inventory"
NAMES = {"10.1.0.5": "vdi-007", "10.1.0.6": "db-main"}


@pytest.fixture
def project(local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder with the parameters of a project whose inventory is in Redshift."""
    for name, value in local_aws.environment.items():
        monkeypatch.setenv(name, value)
    local_aws.client("s3").create_bucket(Bucket=BUCKET)
    redshift = {"workgroup_name": "ndr", "database": "ndr", "iam_role_arn": "default"}
    seed_inventory(RedshiftParameters(**redshift), NAMES)
    settings = {"redshift": redshift, "staging_prefix": f"s3://{BUCKET}/staging"}
    (tmp_path / "project.yaml").write_text(yaml.safe_dump(settings))
    return tmp_path


def test_the_inventory_comes_from_redshift_into_a_lake_in_s3(local_aws: LocalAws, project: Path) -> None:
    lake = f"s3://{BUCKET}/lake"
    arguments = ("--month", "2026-03", "--parameters", "/project.yaml", "--lake", lake)
    options = [part for name, value in local_aws.environment.items() for part in ("--env", f"{name}={value}")]
    done = run_image("ndr-inventory-unload", *arguments, folder=project, network="host", options=options)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows_out"] == len(NAMES)
    rows = Lake(lake, SPEC).arrow("machine_inventory", ["host_ip", "machine_name"]).to_pylist()
    assert {row["host_ip"]: row["machine_name"] for row in rows} == NAMES
