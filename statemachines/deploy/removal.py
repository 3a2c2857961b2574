"""Removal of an environment: everything but what it holds, and that too where it is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from botocore.exceptions import ClientError

from common.aws.clients import aws_errors, client
from pipelines.definitions import names as pipeline_names
from statemachines.definitions import MACHINES
from statemachines.deploy.stack import remove_stack

Told = Callable[[str, str], None]
"""Is told the name of what was dealt with, and what was done."""


def destroy(
    prefix: str, schedules: str, stacks: Sequence[str], holding: Iterable[tuple[str, str]], with_data: bool, tell: Told
) -> None:
    """Removes schedules, machines, pipelines, tasks and stacks whose names begin with the prefix.

    Stacks are removed in the order given. What holds data, which `holding` lists by type and name, stays unless it is
    wanted otherwise. Interrupted and repeated, it does the rest.

    Raises:
        DeploymentError: a stack cannot be removed.
        AwsError: a call was refused.
    """
    for name in _remove_schedules(schedules):
        tell(f"schedule {name}", "removed")
    for name in _remove_machines(prefix):
        tell(name, "removed")
    for name in _remove_pipelines(prefix):
        tell(f"pipeline {name}", "removed")
    for name in _remove_tasks(prefix):
        tell(f"task {name}", "removed")
    cloudformation = client("cloudformation")
    for stack in stacks:
        if remove_stack(cloudformation, stack):
            tell(f"stack {stack}", "removed")
    for kind, name in holding:
        if with_data and remove_data(kind, name):
            tell(f"{KEPT[kind][0]} {name}", "removed")


def _remove_schedules(prefix: str) -> Iterator[str]:
    scheduler = client("scheduler")
    with aws_errors("the schedules cannot be removed"):
        pages = list(scheduler.get_paginator("list_schedules").paginate(NamePrefix=f"{prefix}-"))
        for name in [entry["Name"] for page in pages for entry in page["Schedules"]]:
            if not _is_of_stack(name):
                scheduler.delete_schedule(Name=name)
                yield name


def _is_of_stack(name: str) -> bool:
    """Whether a stack has the schedule, with which it is removed."""
    return name.endswith(("-ingestion-sweep", "-customer-360"))


def _remove_machines(prefix: str) -> Iterator[str]:
    states = client("stepfunctions")
    with aws_errors("the state machines cannot be removed"):
        pages = list(states.get_paginator("list_state_machines").paginate())
        found = {entry["name"]: entry["stateMachineArn"] for page in pages for entry in page["stateMachines"]}
        for name in (f"{prefix}{machine}" for machine in MACHINES):
            if name in found:
                for alias in states.list_state_machine_aliases(stateMachineArn=found[name])["stateMachineAliases"]:
                    states.delete_state_machine_alias(stateMachineAliasArn=alias["stateMachineAliasArn"])
                states.delete_state_machine(stateMachineArn=found[name])
                yield name


def _remove_pipelines(prefix: str) -> Iterator[str]:
    sagemaker = client("sagemaker")
    with aws_errors("the pipelines cannot be removed"):
        pages = list(sagemaker.get_paginator("list_pipelines").paginate())
        found = {entry["PipelineName"] for page in pages for entry in page["PipelineSummaries"]}
        for name in (f"{prefix}{pipeline}" for pipeline in pipeline_names()):
            if name in found:
                sagemaker.delete_pipeline(PipelineName=name, ClientRequestToken=f"remove-{name}".ljust(32, "-"))
                yield name


def _remove_tasks(prefix: str) -> Iterator[str]:
    ecs = client("ecs")
    with aws_errors("the task definitions cannot be removed"):
        pages = list(ecs.get_paginator("list_task_definitions").paginate(familyPrefix=f"{prefix}ndr-"))
        for arn in [arn for page in pages for arn in page["taskDefinitionArns"]]:
            ecs.deregister_task_definition(taskDefinition=arn)
            yield arn.rpartition("/")[2]


def remove_data(kind: str, name: str) -> bool:
    """Whether there was something of that type and name; there is nothing now.

    Raises:
        AwsError: a call was refused.
    """
    what, absent, remove = KEPT[kind]
    with aws_errors(f"the {what} {name} cannot be removed"):
        try:
            remove(name)
        except ClientError as error:
            if error.response["Error"]["Code"] != absent:
                raise
            return False
    return True


def _remove_bucket(name: str) -> None:
    s3 = client("s3")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        keys = [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in found]
        if keys:
            s3.delete_objects(Bucket=name, Delete={"Objects": keys, "Quiet": True})
    s3.delete_bucket(Bucket=name)


def _remove_table(name: str) -> None:
    client("dynamodb").delete_table(TableName=name)


def _remove_log_group(name: str) -> None:
    client("logs").delete_log_group(logGroupName=name)


def _remove_repository(name: str) -> None:
    client("ecr").delete_repository(repositoryName=name, force=True)


KEPT: dict[str, tuple[str, str, Callable[[str], None]]] = {
    "AWS::S3::Bucket": ("bucket", "NoSuchBucket", _remove_bucket),
    "AWS::DynamoDB::Table": ("table", "ResourceNotFoundException", _remove_table),
    "AWS::Logs::LogGroup": ("log group", "ResourceNotFoundException", _remove_log_group),
    "AWS::ECR::Repository": ("repository", "RepositoryNotFoundException", _remove_repository),
}
"""What outlives its stack, as it holds data, by type: its name, the error where it is absent, and its removal."""
