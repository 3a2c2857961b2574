"""An image reaches AWS as the environment names it: Redshift and DynamoDB's neighbours, and a lake in S3."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from common.config.redshift import RedshiftParameters
from common.lake.lake import Lake
from localaws.cli.process import LocalAws
from tests.factories import SPEC
from tests.images.containers import example_of, run_example, run_image
from tests.images.small_lake import LAKE
from tools.demo.inventory import DemoMachine, seed_inventory

BUCKET = "inventory"
NAMES = {"10.1.0.5": "vdi-007", "10.1.0.6": "db-main"}


@pytest.fixture
def project(aws_environment: LocalAws, tmp_path: Path) -> Path:
    """A folder with the parameters of a project whose inventory is in Redshift."""
    aws_environment.client("s3").create_bucket(
        Bucket=BUCKET
    )  # one that is there already is not an error in this region
    redshift: dict[str, Any] = {"workgroup_name": "ndr", "database": "ndr", "iam_role_arn": "default"}
    seed_inventory(RedshiftParameters(**redshift), {host: DemoMachine(name) for host, name in NAMES.items()})
    settings = {"redshift": redshift, "staging_prefix": f"s3://{BUCKET}/staging"}
    (tmp_path / "project.yaml").write_text(yaml.safe_dump(settings))
    return tmp_path


def environment(local_aws: LocalAws) -> list[str]:
    """The options of docker run that lead to the local AWS, as this process's variables do."""
    return [part for name in local_aws.environment for part in ("--env", name)]


def names(lake: str) -> dict[str, str]:
    rows = Lake(lake, SPEC).arrow("machine_inventory", ["host_ip", "machine_name"]).to_pylist()
    return {row["host_ip"]: row["machine_name"] for row in rows}


def test_the_inventory_comes_from_redshift_into_a_lake_in_s3(local_aws: LocalAws, project: Path) -> None:
    lake = f"s3://{BUCKET}/lake"
    arguments = ("--month", "2026-03", "--parameters", "/project.yaml", "--lake", lake)
    done = run_image("ndr-inventory-unload", *arguments, folder=project, network="host", options=environment(local_aws))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows_out"] == len(NAMES)
    assert names(lake) == NAMES


def test_the_example_brings_the_inventory_into_a_lake_on_disk(local_aws: LocalAws, project: Path) -> None:
    (project / LAKE).mkdir(parents=True)
    example = example_of(run_image("ndr-inventory-unload", "--help").stdout)
    settings = ("--volume", f"{project / 'project.yaml'}:/project.yaml")
    options = [*environment(local_aws), *settings]
    done = run_example(f"{example} --parameters /project.yaml", project, network="host", options=options)
    assert done.returncode == 0, done.stderr
    assert names(str(project / LAKE)) == NAMES
