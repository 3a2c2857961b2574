"""Releases of an environment: what all its parts were when they were deployed, so that all can be that again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from common import __version__
from common.aws.clients import aws_errors, client
from common.errors import DeploymentError
from common.storage.files import Folder
from common.windows import iso_seconds
from pipelines.definitions import names as pipeline_names
from pipelines.deployment import describe
from statemachines.definitions import MACHINES
from statemachines.deploy.parts import FOUNDATION
from statemachines.deploy.publish import live_version, machines_by_name, take_up
from statemachines.deploy.stack import CAPABILITIES, apply_request, stack_described

FILE = "releases.json"
MOST = 10
OF_TASK = (
    "family",
    "requiresCompatibilities",
    "networkMode",
    "cpu",
    "memory",
    "ephemeralStorage",
    "executionRoleArn",
    "taskRoleArn",
    "containerDefinitions",
)
"""The members of a task definition with which it is registered again."""

Release = dict[str, Any]
"""Its number, the release of the project, when it was deployed, and its stacks, machines, pipelines and tasks."""
Told = Callable[[str, str], None]
"""Is told the name of a part, and what was done to it."""


def record(prefix: str, bucket: str, stacks: Sequence[str]) -> int:
    """The number of the release that is deployed now; a new one if anything differs from the last.

    The last ten are kept, in the bucket. What was rolled back is forgotten.

    Raises:
        StorageError, AwsError: what is deployed cannot be read, or the record cannot be written.
    """
    releases, current = _read(bucket)
    found = _deployed(prefix, stacks)
    if releases and {name: releases[current][name] for name in found} == found:
        return int(releases[current]["number"])
    number = releases[-1]["number"] + 1 if releases else 1
    about = {"number": number, "release": __version__, "time": iso_seconds(datetime.now(UTC))}
    kept = [*releases[: current + 1], {**about, **found}][-MOST:]
    _write(bucket, kept, len(kept) - 1)
    return number


def go_back(bucket: str, tell: Told) -> int:
    """The number of the release before, which all parts are again: machines first, stacks last.

    What machines, pipelines and tasks of that release did not have stays, and nothing starts it. Interrupted, the same
    command goes on.

    Raises:
        DeploymentError: there is no release before.
        AwsError: a call was refused.
    """
    releases, current = _read(bucket)
    if current < 1:
        raise DeploymentError("there is no release before the one that is deployed", "Deploy a corrected one")
    wanted = releases[current - 1]
    if not any(name.endswith(FOUNDATION) for name in wanted["stacks"]):
        raise DeploymentError(
            f"release {wanted['number']} had its buckets and tables in another stack, and cannot be rolled back to",
            "Roll back single machines, or deploy a corrected release",
        )
    for machine, version in wanted["machines"].items():
        tell(machine, _word(take_up(client("stepfunctions"), machine, version)))
    for name, pipeline in wanted["pipelines"].items():
        tell(f"pipeline {name}", _word(_restore_pipeline(name, pipeline)))
    for task in wanted["tasks"]:
        tell(f"task {task['family']}", _word(_restore_task(task)))
    for name, stack in reversed(wanted["stacks"].items()):
        tell(f"stack {name}", _restore_stack(name, stack))
    _write(bucket, releases, current - 1)
    return int(wanted["number"])


def forget(bucket: str) -> None:
    """Removes the record: what was deployed is no more.

    Raises:
        StorageError: it cannot be removed.
    """
    folder = Folder(f"s3://{bucket}")
    if folder.exists(FILE):
        folder.delete(FILE)


def _word(is_changed: bool) -> str:
    return "rolled back" if is_changed else "unchanged"


def _read(bucket: str) -> tuple[list[Release], int]:
    """The releases, the oldest first, and the place of the one that is deployed."""
    folder = Folder(f"s3://{bucket}")
    if not folder.exists(FILE):
        return [], -1
    held = json.loads(folder.read(FILE))
    return held["releases"], held["current"]


def _write(bucket: str, releases: Sequence[Release], current: int) -> None:
    content = json.dumps({"current": current, "releases": releases}, indent=1)
    Folder(f"s3://{bucket}").write(FILE, f"{content}\n".encode())


def _deployed(prefix: str, stacks: Sequence[str]) -> Release:
    """What the parts are now."""
    states, sagemaker = client("stepfunctions"), client("sagemaker")
    by_name = machines_by_name(states)
    machines = {name: by_name[name] for name in (f"{prefix}{machine}" for machine in MACHINES) if name in by_name}
    with aws_errors("the versions of the state machines could not be read"):
        versions = {name: live_version(states, arn)[0] for name, arn in machines.items()}
    pipelines = {name: describe(sagemaker, name) for name in (f"{prefix}{name}" for name in pipeline_names())}
    return {
        "stacks": {name: _stack(name) for name in stacks},
        "machines": versions,
        "pipelines": {
            name: {"definition": found.definition, "role": found.role_arn} for name, found in pipelines.items() if found
        },
        "tasks": _tasks(prefix),
    }


def _stack(name: str) -> dict[str, Any]:
    cloudformation = client("cloudformation")
    with aws_errors(f"the template of the stack {name} could not be read"):
        body = cloudformation.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
    described = stack_described(cloudformation, name) or {}
    parameters = {entry["ParameterKey"]: entry["ParameterValue"] for entry in described.get("Parameters", [])}
    return {"template": body if isinstance(body, str) else json.dumps(body), "parameters": parameters}


def _tasks(prefix: str) -> list[dict[str, Any]]:
    ecs = client("ecs")
    with aws_errors("the task definitions could not be read"):
        pages = list(ecs.get_paginator("list_task_definition_families").paginate(familyPrefix=f"{prefix}ndr-"))
        families = sorted(family for page in pages for family in page["families"])
        found = [ecs.describe_task_definition(taskDefinition=family)["taskDefinition"] for family in families]
    return [{name: task[name] for name in OF_TASK if name in task} for task in found]


def _restore_pipeline(name: str, wanted: Mapping[str, Any]) -> bool:
    sagemaker = client("sagemaker")
    found = describe(sagemaker, name)
    if found and (found.definition, found.role_arn) == (wanted["definition"], wanted["role"]):
        return False
    request = {
        "PipelineName": name,
        "PipelineDefinition": json.dumps(wanted["definition"], sort_keys=True),
        "RoleArn": wanted["role"],
    }
    with aws_errors(f"pipeline {name} could not be updated"):
        sagemaker.update_pipeline(**request)
    return True


def _restore_task(wanted: Mapping[str, Any]) -> bool:
    ecs = client("ecs")
    with aws_errors(f"the task definition {wanted['family']} could not be registered"):
        found = ecs.describe_task_definition(taskDefinition=wanted["family"])["taskDefinition"]
        if {name: found[name] for name in OF_TASK if name in found} == wanted:
            return False
        ecs.register_task_definition(**wanted)
    return True


def _restore_stack(name: str, wanted: Mapping[str, Any]) -> str:
    parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in wanted["parameters"].items()]
    request = {
        "StackName": name,
        "TemplateBody": wanted["template"],
        "Capabilities": CAPABILITIES,
        "Parameters": parameters,
    }
    done = apply_request(client("cloudformation"), request, is_new=False, allow_replace=True, tell=lambda change: None)
    return "unchanged" if done == "unchanged" else "rolled back"
