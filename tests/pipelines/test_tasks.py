"""Task definitions of the commands of pipelines, registered and compared in ECS, as moto's server answers."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from pipelines.catalog import PIPELINES
from pipelines.definitions import names
from pipelines.tasks import LOG_GROUP, SIZES
from statemachines.deploy.parts import TEMPLATES
from tests.checkout import ROOT
from tests.pipelines.conftest import REGISTRY, TAG, Run
from tests.pipelines.resolution import ROLE

EXECUTION_ROLE = "arn:aws:iam::123456789012:role/ndr-task-execution"
ROLES = ("--role-arn", ROLE, "--task-execution-role-arn", EXECUTION_ROLE)
ONE = ("--only", "ndr-prediction-feature-join")
COMMANDS = {pipeline.steps[0].command for pipeline in PIPELINES.values() if len(pipeline.steps) == 1}
FARGATE = {1: range(2, 9), 2: range(4, 17), 4: range(8, 31), 8: range(16, 61, 4), 16: range(32, 121, 8)}
"""The GB that a task may have by its vCPUs, as AWS documents it."""
pytestmark = [pytest.mark.usefixtures("pushed"), pytest.mark.slow]


@pytest.fixture
def ecs(sagemaker: Any) -> Any:
    return boto3.Session().client("ecs", region_name="eu-central-1")


def latest(ecs: Any, family: str) -> dict[str, Any]:
    return dict(ecs.describe_task_definition(taskDefinition=family)["taskDefinition"])


def test_every_command_of_a_pipeline_of_one_step_has_a_task_definition(ecs: Any, run: Run) -> None:
    first = run("upsert", *ROLES)
    assert first.exit_code == 0, first.output
    lines = [f"task {command}: {{}}" for command in COMMANDS]
    assert set(first.output.splitlines()[len(names()) + 1 :]) == {line.format("created") for line in lines}
    again = run("upsert", *ROLES)
    assert set(again.output.splitlines()[len(names()) + 1 :]) == {line.format("unchanged") for line in lines}
    assert {latest(ecs, command)["revision"] for command in COMMANDS} == {1}


def test_a_task_runs_the_image_of_the_pipeline_with_its_role(ecs: Any, run: Run) -> None:
    run("upsert", *ONE, *ROLES)
    found = latest(ecs, "ndr-join")
    (container,) = found["containerDefinitions"]
    assert (container["name"], container["image"]) == ("ndr-join", f"{REGISTRY}/ndr-join:{TAG}")
    assert container["user"] == "1000:1000"
    assert container["logConfiguration"] == {
        "logDriver": "awslogs",
        "options": {"awslogs-group": "/ecs/ndr", "awslogs-region": "eu-central-1", "awslogs-stream-prefix": "ndr"},
    }
    assert (found["taskRoleArn"], found["executionRoleArn"]) == (ROLE, EXECUTION_ROLE)
    assert (found["requiresCompatibilities"], found["networkMode"]) == (["FARGATE"], "awsvpc")
    # ml.m5.large with 30 GB
    assert (found["cpu"], found["memory"], found["ephemeralStorage"]) == ("1024", "2048", {"sizeInGiB": 30})


def test_what_differs_is_named_and_another_revision_registered(ecs: Any, run: Run) -> None:
    run("upsert", *ONE, *ROLES)
    larger = ("--default", "InstanceType=ml.m5.xlarge", "--default", "VolumeSizeInGB=10")
    changes = ['  cpu: "1024" -> "2048"', "  ephemeralStorage.sizeInGiB: 30 -> 21", '  memory: "2048" -> "4096"']
    planned = run("upsert", *ONE, *ROLES, *larger, "--dry-run").output.splitlines()
    assert planned[-4:] == ["task ndr-join: would be updated", *changes]
    assert latest(ecs, "ndr-join")["revision"] == 1
    compared = run("diff", *ONE, *ROLES, *larger, "--exit-code")
    assert (compared.exit_code, compared.output.splitlines()[-4:]) == (1, ["task ndr-join: different", *changes])
    assert run("upsert", *ONE, *ROLES, *larger).output.splitlines()[-4:] == ["task ndr-join: updated", *changes]
    assert (latest(ecs, "ndr-join")["revision"], latest(ecs, "ndr-join")["cpu"]) == (2, "2048")


def test_without_the_role_that_starts_tasks_there_are_none(ecs: Any, run: Run) -> None:
    assert "task " not in run("upsert", *ONE, "--role-arn", ROLE).output
    assert ecs.list_task_definitions()["taskDefinitionArns"] == []


def test_an_instance_without_a_size_is_refused(ecs: Any, run: Run) -> None:
    refused = run("upsert", *ONE, *ROLES, "--default", "InstanceType=ml.p5.48xlarge")
    assert refused.exit_code == 1
    assert "no size of a task for ml.p5.48xlarge" in refused.stderr and "ml.m5.large" in refused.stderr


def test_sizes_are_those_that_fargate_has() -> None:
    assert {pipeline.resources.instance_type for pipeline in PIPELINES.values()} <= set(SIZES)
    for vcpus, gigabytes in SIZES.values():
        assert gigabytes in FARGATE[vcpus]


def test_log_group_and_user_are_those_of_the_stack_and_the_images() -> None:
    assert f'LogGroupName: !Sub "{LOG_GROUP.format("${Environment}")}"\n' in TEMPLATES["ndr-tasks"].read_text()
    assert "\nUSER 1000:1000\n" in (ROOT / "images" / "base" / "Dockerfile").read_text()
