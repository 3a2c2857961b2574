"""What the template has for tasks, and what the machines' roles may do with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from pipelines.catalog import PIPELINES
from statemachines.definitions import MACHINES, filled, states_of
from tests.statemachines.template import HERE, Permission, Template, permitted

PULL = ("BatchGetImage", "GetDownloadUrlForLayer", "BatchCheckLayerAvailability")


def needed_for_tasks(definition: Mapping[str, Any]) -> set[Permission]:
    """What a definition needs to run tasks, and to stop those that a former owner left."""
    called = [state["Resource"] for _, state in states_of(definition) if ":ecs:" in state.get("Resource", "")]
    found: set[Permission] = set()
    if "arn:aws:states:::ecs:runTask.sync" in called:
        found = {
            (f"ecs:{verb}Task{end}", f"arn:aws:ecs:{HERE}:task/ndr/*")
            for verb, end in (("Describe", "s"), ("Stop", ""))
        }
        found.add(("ecs:RunTask", f"arn:aws:ecs:{HERE}:task-definition/ndr-*:*"))
        started = [
            state["Arguments"]["PipelineName"]
            for _, state in states_of(definition)
            if state.get("Resource", "").endswith(":startPipelineExecution")
        ]
        kinds = {f"ndr-{PIPELINES[name].rights}-steps" for name in started}
        found |= {("iam:PassRole", f"arn:aws:iam::000000000000:role/{role}") for role in {"ndr-task-execution", *kinds}}
        found.add(("logs:GetLogEvents", f"arn:aws:logs:{HERE}:log-group:/ecs/ndr:log-stream:ndr/*"))
    if "arn:aws:states:::aws-sdk:ecs:listTasks" in called:
        found.add(("ecs:ListTasks", "*"))
    return found


@pytest.mark.parametrize("machine", MACHINES)
def test_a_role_may_do_with_tasks_what_its_machine_does_where_there_are_tasks(machine: str) -> None:
    template = Template(Runner="tasks")
    role = template.role_name(template.outputs[MACHINES[machine]])
    assert template.policies_of(role) == needed_for_tasks(json.loads(filled(machine, template.outputs)))
    assert Template().policies_of(role) == set()


def test_tasks_run_with_the_role_of_steps_in_one_cluster() -> None:
    template = Template(Runner="tasks")
    cluster = f"arn:aws:ecs:{HERE}:cluster/ndr"
    kinds = {pipeline.rights for pipeline in PIPELINES.values()} - {"training"}  # which has several steps
    passing = [f"{kind.capitalize()}TasksPolicy" for kind in kinds]
    for policy in ("TasksPolicy", "FormerTasksPolicy", *passing):
        for statement in template.resource(policy)["PolicyDocument"]["Statement"]:
            match statement["Action"]:
                case "ecs:RunTask" | "ecs:ListTasks":
                    assert statement["Condition"] == {"ArnEquals": {"ecs:cluster": cluster}}
                case "iam:PassRole":
                    passed = {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
                    assert statement["Condition"] == {"StringEquals": passed}
    (trust,) = template.resource("StepRole")["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": ["sagemaker.amazonaws.com", "ecs-tasks.amazonaws.com"]}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": "000000000000"}}
    (without,) = Template().resource("StepRole")["AssumeRolePolicyDocument"]["Statement"]
    assert without["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    assert permitted(template.resource("TaskExecutionRole")) == {
        *((f"ecr:{action}", f"arn:aws:ecr:{HERE}:repository/ndr-*") for action in PULL),
        ("ecr:GetAuthorizationToken", "*"),
        *(
            (f"logs:{action}", f"arn:aws:logs:{HERE}:log-group:/ecs/ndr:*")
            for action in ("CreateLogStream", "PutLogEvents")
        ),
    }
    assert template.resource("TaskLogs")["LogGroupName"] == "/ecs/ndr"
    # a group that is retained cannot be made again
    assert "Condition" not in template.raw["Resources"]["TaskLogs"]


@pytest.mark.parametrize(
    ("runner", "wanted"), [("tasks", ("ndr", "ndr-task-execution")), ("pipelines", ("none", "none"))]
)
def test_outputs_of_tasks_have_values_without_tasks_too(runner: str, wanted: tuple[str, str]) -> None:
    outputs = Template(Runner=runner).outputs
    assert outputs["Runner"] == runner
    assert (outputs["TaskCluster"], outputs["TaskExecutionRoleArn"].rpartition("/")[2]) == wanted
