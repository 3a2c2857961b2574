"""What AWS's services do with the roles that they are given, before the work itself begins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from localaws.authorization.needs import Permission, here, keys, pull_of
from localaws.authorization.policies import check_assumable, check_permitted
from localaws.processes.programs import ProgramError

SAGEMAKER, GLUE, TASKS = "sagemaker.amazonaws.com", "glue.amazonaws.com", "ecs-tasks.amazonaws.com"


def check_step(pipeline_role: str, role: str, job: str, image: str) -> None:
    """Refuses a step whose pipeline may not make its job, or whose job cannot have its image.

    Raises:
        ProgramError: with what SageMaker says.
    """
    check_assumable(pipeline_role, SAGEMAKER)
    arn = f"arn:aws:sagemaker:{here()}:processing-job/{job}"
    verbs = ("CreateProcessingJob", "AddTags", "DescribeProcessingJob")
    wanted = [*((f"sagemaker:{verb}", arn) for verb in verbs), ("iam:PassRole", role)]
    try:
        check_permitted(pipeline_role, "SageMaker", iter(wanted), keys("sagemaker", {}))
        check_assumable(role, SAGEMAKER)
    except ProgramError as error:
        raise ProgramError(f"Failed to invoke sagemaker:CreateProcessingJob. Error Details: {error}") from error
    check_permitted(role, "SageMaker", pull_of(image), {})


def check_model(role: str, image: str, bucket: str, prefix: str, keys_found: Iterable[str]) -> None:
    """Refuses a model whose role SageMaker cannot assume, or which may not have its image and its files.

    Raises:
        ProgramError: with what SageMaker says.
    """
    check_assumable(role, SAGEMAKER)
    check_permitted(role, "SageMaker", pull_of(image), {})
    place = f"arn:aws:s3:::{bucket}"
    check_permitted(role, "SageMaker", iter([("s3:ListBucket", place)]), {"s3:prefix": prefix})
    check_permitted(role, "SageMaker", (("s3:GetObject", f"{place}/{key}") for key in keys_found), {})


def check_glue_run(role: str, job: Mapping[str, Any]) -> None:
    """Refuses a run whose role Glue cannot assume, or which may not read its script and its modules.

    Raises:
        ProgramError: with what Glue says.
    """
    check_assumable(role, GLUE)
    check_permitted(role, "GlueJobRunnerSession", _code_of(job), {})


def _code_of(job: Mapping[str, Any]) -> Iterator[Permission]:
    modules = str((job.get("DefaultArguments") or {}).get("--additional-python-modules", "")).split(",")
    for place in [str((job.get("Command") or {}).get("ScriptLocation", "")), *modules]:
        if place.startswith("s3://"):
            yield "s3:GetObject", f"arn:aws:s3:::{place.removeprefix('s3://')}"


def check_task(definition: Mapping[str, Any], task: str) -> None:
    """Refuses a task whose roles ECS cannot assume, or whose container it may not start.

    Raises:
        ProgramError: with what ECS says.
    """
    for role in {definition.get("executionRoleArn"), definition.get("taskRoleArn")} - {None, ""}:
        check_assumable(str(role), TASKS)
    (container,) = definition["containerDefinitions"]
    logs = (container.get("logConfiguration") or {}).get("options", {})
    if execution := definition.get("executionRoleArn"):
        wanted = [*pull_of(container["image"])]
        if group := logs.get("awslogs-group"):
            prefix = f"{logs['awslogs-stream-prefix']}/{container['name']}"
            stream = f"arn:aws:logs:{here()}:log-group:{group}:log-stream:{prefix}/{task}"
            wanted += [("logs:CreateLogStream", stream), ("logs:PutLogEvents", stream)]
        check_permitted(str(execution), task, iter(wanted), {})
