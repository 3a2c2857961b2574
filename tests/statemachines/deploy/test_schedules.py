"""The schedules of projects: what they start, and what a deployment leaves as people set it."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from common.errors import DeploymentError
from localaws.cli.process import LocalAws
from statemachines.deploy.schedules import changed, former_of_stack, listed, put_for_project

pytestmark = pytest.mark.slow

MESSAGE = {"feature_spec_version": "v1", "grow_days": 9}
MONTHLY = "cron(30 0 1 * ? *)"


@pytest.fixture
def scheduler(aws_environment: LocalAws) -> Any:
    return aws_environment.client("scheduler")


@pytest.fixture
def outputs() -> dict[str, str]:
    """What the schedules need of the stack, with a prefix of its own."""
    return {
        "SchedulePrefix": f"ndr{uuid.uuid4().hex[:6]}",
        "SchedulesState": "DISABLED",
        "MachineArnPrefix": "arn:aws:states:us-east-1:000000000000:stateMachine:",
        "StarterRoleArn": "arn:aws:iam::000000000000:role/ndr-starter",
        "ProjectParametersTable": "project_parameters",
    }


def test_each_project_has_schedules_of_its_own(scheduler: Any, outputs: dict[str, str]) -> None:
    for project in ("acme", "umbrella"):
        put_for_project(scheduler, outputs, project, MESSAGE, {})
    found = {schedule.name: schedule for schedule in listed(scheduler, outputs["SchedulePrefix"])}
    words = ("grow", "monthly-baselines", "training")
    assert list(found) == [f"{project}-{word}" for project in ("acme", "umbrella") for word in words]
    assert {schedule.state for schedule in found.values()} == {"DISABLED"}
    assert [found[f"acme-{word}"].target for word in words] == [
        "sfn_ndr_start_project",
        "sfn_ndr_monthly_fg_b_baselines",
        "sfn_ndr_training_orchestrator",
    ]
    target = scheduler.get_schedule(Name=f"{outputs['SchedulePrefix']}-umbrella-grow")["Target"]
    assert target["Arn"].endswith(":sfn_ndr_start_project:live")
    expected = {"project_name": "umbrella", **MESSAGE, "time": "<aws.scheduler.scheduled-time>"}
    assert json.loads(target["Input"]) == expected


@pytest.mark.parametrize(
    ("word", "pipeline", "cron"),
    [("maintenance", "ndr-maintain", "cron(30 3 * * ? *)"), ("canary", "ndr-canary", "cron(30 5 ? * MON *)")],
)
def test_upkeep_and_proof_start_pipelines_with_the_project_and_its_lake(
    scheduler: Any, outputs: dict[str, str], word: str, pipeline: str, cron: str
) -> None:
    put_for_project(scheduler, outputs, "acme", MESSAGE, {}, "s3://acme-lake/ndr")
    found = {schedule.name: schedule for schedule in listed(scheduler, outputs["SchedulePrefix"])}[f"acme-{word}"]
    assert (found.target, found.cron, found.state) == (pipeline, cron, "DISABLED")
    target = scheduler.get_schedule(Name=f"{outputs['SchedulePrefix']}-acme-{word}")["Target"]
    assert target["Arn"] == f"arn:aws:sagemaker:us-east-1:000000000000:pipeline/{pipeline}"
    given = target["SageMakerPipelineParameters"]["PipelineParameterList"]
    assert {entry["Name"]: entry["Value"] for entry in given} == {
        "ProjectName": "acme",
        "FeatureSpecVersion": "v1",
        "LakeUri": "s3://acme-lake/ndr",
        "ParametersUri": "dynamodb://project_parameters",
    }


@pytest.mark.parametrize(("new", "state"), [(True, "ENABLED"), (False, "DISABLED")])
def test_only_a_new_project_grows_before_it_was_started(
    scheduler: Any, outputs: dict[str, str], new: bool, state: str
) -> None:
    enabled = outputs | {"SchedulesState": "ENABLED"}
    found = put_for_project(scheduler, enabled, "acme", MESSAGE, {}, is_new=new)
    assert {schedule.name: schedule.state for schedule in found} == {
        "acme-monthly-baselines": "ENABLED",
        "acme-training": "ENABLED",
        "acme-grow": state,
    }


def test_a_deployment_keeps_what_people_set(scheduler: Any, outputs: dict[str, str]) -> None:
    put_for_project(scheduler, outputs, "acme", {**MESSAGE, "grow_days": 30}, {})
    changed(scheduler, outputs["SchedulePrefix"], "acme-training", State="ENABLED", ScheduleExpression="rate(7 days)")
    found = {one.name: one for one in put_for_project(scheduler, outputs, "acme", MESSAGE, {})}
    assert (found["acme-training"].state, found["acme-training"].cron) == ("ENABLED", "rate(7 days)")
    assert (found["acme-monthly-baselines"].state, found["acme-monthly-baselines"].cron) == ("DISABLED", MONTHLY)
    target = scheduler.get_schedule(Name=f"{outputs['SchedulePrefix']}-acme-grow")["Target"]
    assert json.loads(target["Input"])["grow_days"] == 9


def test_the_schedules_of_an_earlier_stack_pass_to_its_project(scheduler: Any, outputs: dict[str, str]) -> None:
    prefix = outputs["SchedulePrefix"]
    for name, state in (("monthly-baselines", "ENABLED"), ("training", "DISABLED")):
        target = {"Arn": "arn:machine", "RoleArn": "arn:role", "Input": json.dumps({"project_name": "acme"})}
        scheduler.create_schedule(
            Name=f"{prefix}-{name}", State=state, ScheduleExpression="cron(0 5 1 * ? *)", Target=target,
            FlexibleTimeWindow={"Mode": "OFF"},
        )  # fmt: skip
    former = former_of_stack(scheduler, prefix)
    assert set(former) == {"acme"}
    found = {one.name: one for one in put_for_project(scheduler, outputs, "acme", MESSAGE, former["acme"])}
    assert (found["acme-monthly-baselines"].state, found["acme-monthly-baselines"].cron) == (
        "ENABLED",
        "cron(0 5 1 * ? *)",
    )
    assert found["acme-training"].state == "DISABLED" and found["acme-grow"].state == "DISABLED"


@pytest.mark.parametrize("project", ["a b", "x" * 50])
def test_a_name_that_no_schedule_can_have_is_refused(scheduler: Any, outputs: dict[str, str], project: str) -> None:
    with pytest.raises(DeploymentError, match="a schedule cannot have the name"):
        put_for_project(scheduler, outputs, project, MESSAGE, {})
