"""Task definitions of ECS for pipelines of one step, so that a task runs what the pipeline's job would."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from common.aws.clients import aws_errors
from common.aws.tags import in_lower_case
from common.errors import DeploymentError
from common.runtime.metrics import VARIABLE
from pipelines.deployment import Plan, state_of
from pipelines.differences import Change, differences
from pipelines.images import defaults_of, uris
from pipelines.metrics import namespace

SIZES: Mapping[str, tuple[int, int]] = {
    "ml.t3.medium": (1, 2),
    "ml.t3.large": (1, 4),
    "ml.m5.large": (1, 2),
    "ml.m5.xlarge": (2, 4),
    "ml.m5.2xlarge": (4, 16),
    "ml.m5.4xlarge": (8, 32),
    "ml.m5.8xlarge": (16, 64),
    "ml.r5.large": (1, 8),
    "ml.r5.xlarge": (2, 16),
    "ml.r5.2xlarge": (4, 30),
}
"""vCPUs and GB of a task on Fargate, by the instance type of the pipeline's jobs."""

USER = "1000:1000"
"""That of the images."""
LOG_GROUP = "/ecs/{}ndr"
LOG_PREFIX = "ndr"
LEAST_STORAGE, MOST_STORAGE = 21, 200
"""GB that a task on Fargate may ask for."""


@dataclass(frozen=True)
class TaskPlan:
    """The wanted task definition, and how the latest one differs; `changes` is None if there is none."""

    name: str
    definition: Mapping[str, Any]
    changes: tuple[Change, ...] | None

    def summary(self, missing: str, different: str) -> str:
        """The state of the task definition in the words given, or `unchanged`, and the changed places below."""
        return state_of(f"task {self.name}", self.changes, missing, different)


def task_plans(client: Any, planned: Iterable[Plan], execution_role_arn: str) -> list[TaskPlan]:
    """The task definitions for those of the pipelines that have one step, against the latest ones.

    Raises:
        DeploymentError: the instance type of a pipeline has no size for tasks.
    """
    wanted = [_definition(plan, execution_role_arn, client) for plan in planned if len(plan.definition["Steps"]) == 1]
    return [TaskPlan(each["family"], each, _changes(client, each)) for each in wanted]


def register(client: Any, planned: TaskPlan, tags: Mapping[str, str]) -> None:
    """Registers a task definition with the tags, or another revision of it where it differs."""
    if planned.changes != ():
        with aws_errors(f"the task definition {planned.name} could not be registered"):
            client.register_task_definition(**planned.definition, tags=in_lower_case(tags))


def _definition(plan: Plan, execution_role_arn: str, client: Any) -> dict[str, Any]:
    defaults = defaults_of(plan.definition)
    (step,) = plan.definition["Steps"]
    (command,) = step["Arguments"]["AppSpecification"]["ContainerEntrypoint"]
    (image,) = uris(plan.definition)
    vcpus, gigabytes = _size(plan.name, defaults["InstanceType"])
    options = {
        "awslogs-group": LOG_GROUP.format(plan.prefix),
        "awslogs-region": client.meta.region_name,
        "awslogs-stream-prefix": LOG_PREFIX,
    }
    container = {
        "name": command,
        "image": image,
        "essential": True,
        "user": USER,
        "environment": [{"name": VARIABLE, "value": namespace(plan.prefix)}],
        "logConfiguration": {"logDriver": "awslogs", "options": options},
    }
    return {
        "family": f"{plan.prefix}{command}",
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": str(vcpus * 1024),
        "memory": str(gigabytes * 1024),
        "ephemeralStorage": {"sizeInGiB": min(max(defaults["VolumeSizeInGB"], LEAST_STORAGE), MOST_STORAGE)},
        "executionRoleArn": execution_role_arn,
        "taskRoleArn": defaults.get("RoleArn", ""),
        "containerDefinitions": [container],
    }


def _size(pipeline: str, instance_type: str) -> tuple[int, int]:
    if instance_type not in SIZES:
        raise DeploymentError(
            f"there is no size of a task for {instance_type}, the instance type of pipeline {pipeline}",
            f"Choose one of {', '.join(SIZES)} with --default InstanceType=TYPE",
        )
    return SIZES[instance_type]


def _changes(client: Any, wanted: Mapping[str, Any]) -> tuple[Change, ...] | None:
    with aws_errors(f"the task definition {wanted['family']} could not be looked up"):
        try:
            found = client.describe_task_definition(taskDefinition=wanted["family"])["taskDefinition"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ClientException":
                raise
            return None
    return tuple(differences(_as_wanted(found, wanted), wanted))


def _as_wanted(found: Any, wanted: Any) -> Any:
    """What was found, without the members that ECS adds."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        return {key: _as_wanted(found[key], wanted[key]) for key in wanted if key in found}
    if isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        return [_as_wanted(*pair) for pair in zip(found, wanted, strict=True)]
    return found
