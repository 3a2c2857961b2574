"""An environment as a whole: deployed by one command, looked at, removed, and deployed again over what it left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from common.errors import ParameterError
from statemachines.definitions import MACHINES
from statemachines.deploy import environment
from statemachines.deploy.environment import FILES, read_environment
from statemachines.deploy.parts import PARTS
from tests.statemachines.deploy.deployer import Deployer

BUCKET, TABLE = "dev-ndr-lake-000000000000-us-east-1", "dev-project_routing"
OBJECT = {"Bucket": BUCKET, "Key": "acme/kept"}


def told(deployer: Deployer, *arguments: str) -> dict[str, str]:
    """What a command says of each part."""
    done = deployer.run(*arguments)
    assert done.exit_code == 0, done.output
    lines = (line for line in done.output.splitlines() if not line.startswith("  "))
    return dict(line.split(": ", 1) for line in lines if ": " in line)


@pytest.mark.slow
def test_what_was_removed_is_deployed_over_what_it_left(deployer: Deployer) -> None:
    first = told(deployer, "up", "dev")
    assert first["stack dev-ndr-control-plane"] == first["pipeline dev-ndr-page"] == "created"
    again = told(deployer, "up", "dev")
    parts_told = {text.partition(",")[0] for name, text in again.items() if name not in ("signatures", "release")}
    assert parts_told == {"unchanged"}

    found = deployer.run("status", "dev", "--format", "json")
    parts = {(part["kind"], part["name"]): part for part in json.loads(found.output)}
    assert found.exit_code == 0
    assert parts["machine", f"dev-{next(iter(MACHINES))}"]["about"] == "live is version 1"
    assert parts["queue", "dev-ndr-ingestion-dlq"]["state"] == "empty"
    assert {part["state"] for part in parts.values() if part["kind"] == "pipeline"} == {"active"}

    s3, dynamodb = deployer.local.client("s3"), deployer.local.client("dynamodb")
    s3.put_object(**OBJECT, Body=b"1")
    dynamodb.put_item(TableName=TABLE, Item={"org_key": {"S": "acme/hq"}})
    removed = told(deployer, "destroy", "dev")
    assert removed["stack dev-ndr-ingestion"] == removed[f"dev-{next(iter(MACHINES))}"] == "removed"
    assert not any(name.startswith(("bucket", "table")) for name in removed)
    missing = deployer.run("status", "dev")
    assert (missing.exit_code, deployer.machines) == (1, set())
    assert told(deployer, "destroy", "dev") == {}

    back = told(deployer, "up", "dev")
    assert back["stack dev-ndr-foundation"] == "created"
    assert s3.get_object(**OBJECT)["Body"].read() == b"1"
    assert [item["org_key"]["S"] for item in deployer.items(TABLE)] == ["acme/hq"]
    stack = deployer.local.client("cloudformation").describe_stack_resources(StackName="dev-ndr-foundation")
    held = {entry["PhysicalResourceId"] for entry in stack["StackResources"]}
    assert {BUCKET, TABLE} <= held

    refused = deployer.refusal("destroy", "dev", "--delete-data", "test")
    assert "--delete-data test is not the environment that is removed, dev" in refused
    gone = told(deployer, "destroy", "dev", "--delete-data", "dev")
    assert gone[f"bucket {BUCKET}"] == gone[f"table {TABLE}"] == "removed"
    assert deployer.tables == []
    assert s3.list_buckets()["Buckets"] == []


@pytest.mark.slow
@pytest.mark.long
def test_all_parts_go_back_to_the_release_before(
    deployer: Deployer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "FILES", tmp_path)
    form = "PipelineName15mParameter: ndr-15m-streaming"
    (tmp_path / "dev.yaml").write_text("pipeline_defaults: {InstanceType: ml.m5.2xlarge}\n")
    assert told(deployer, "up", "dev")["release"] == "1"
    assert told(deployer, "up", "dev")["release"] == "1"
    refused = deployer.refusal("rollback", "--release", "--environment", "dev")
    assert "no release before the one that is deployed" in refused
    before = parts_of(deployer)

    (tmp_path / "dev.yaml").write_text(f"parameters: {{{form}, LogRetentionDays: '7'}}\n")
    second = told(deployer, "up", "dev")
    assert (second["release"], second["stack dev-ndr-control-plane"]) == ("2", "updated")
    assert parts_of(deployer) != before

    back = told(deployer, "rollback", "--release", "--environment", "dev")
    assert back["release"] == "1"
    assert back["dev-sfn_ndr_15m_features_inference"] == back["pipeline dev-ndr-page"] == "rolled back"
    assert back["stack dev-ndr-control-plane"] == "rolled back"
    assert back["dev-sfn_ndr_handover"] == "unchanged"
    assert parts_of(deployer) == before
    # what was rolled back can be deployed again
    third = told(deployer, "up", "dev")
    assert (third["release"], third["pipeline dev-ndr-page"]) == ("3", "updated")


def parts_of(deployer: Deployer) -> list[object]:
    """What differs between releases: a log group, a pipeline, and the version of a machine."""
    (group,) = deployer.local.client("logs").describe_log_groups(logGroupNamePrefix="/aws/vendedlogs/states/dev-ndr")[
        "logGroups"
    ]
    pipeline = deployer.local.client("sagemaker").describe_pipeline(PipelineName="dev-ndr-page")
    return [
        group["retentionInDays"],
        pipeline["PipelineDefinition"],
        deployer.live("dev-sfn_ndr_15m_features_inference"),
    ]


@pytest.mark.parametrize("name", sorted(path.stem for path in FILES.glob("*.yaml")))
def test_the_committed_environments_can_be_read(name: str) -> None:
    described, projects = read_environment(name)
    assert (described.parts, projects) == (PARTS, [])


def test_what_is_no_environment_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dev.yaml").write_text("projcts: []\n")
    with pytest.raises(ParameterError, match="projcts"):
        read_environment("dev", tmp_path)
    with pytest.raises(ParameterError, match="there is no environment prod"):
        read_environment("prod", tmp_path)
