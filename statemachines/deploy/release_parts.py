"""What the parts of an environment are, so that a release can list them, and how they become that again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from importlib import resources
from itertools import product
from typing import Any

from common.aws.clients import aws_errors, client
from common.detection.registry.formats import FORMAT_VERSION
from common.lake.lake_format import LAKE_FORMAT
from pipelines.definitions import names as pipeline_names
from pipelines.deployment import describe
from pipelines.images import REGISTRY, defaults_of, digest_of, uris
from statemachines.definitions import MACHINES
from statemachines.deploy.code import FOLDER as CODE
from statemachines.deploy.described import deployed_template, stack_described
from statemachines.deploy.function_images import RELEASE, named_images, served_image
from statemachines.deploy.publish import live_version, machines_by_name, take_up
from statemachines.deploy.release_store import Release, Store
from statemachines.deploy.stack import CAPABILITIES, apply_request

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
Told = Callable[[str, str], None]
"""Is told the name of a part, and what was done to it."""


def deployed(prefix: str, stacks: Sequence[str], store: Store) -> Release:
    """What the parts are now, of the stacks those that exist.

    Templates and definitions are given by their SHA-256, under which the store keeps them.

    Raises:
        DeploymentError: the code that a job names is missing.
        AwsError: a call was refused.
    """
    cloudformation = client("cloudformation")
    known = {name: stack_described(cloudformation, name) for name in stacks}
    found_stacks = {name: _stack(name, one, store) for name, one in known.items() if one}
    pipelines = _pipelines(prefix)
    features = resources.files("common.features").joinpath("v1.yaml").read_bytes()
    return {
        "stacks": found_stacks,
        "code": _code(found_stacks, store),
        "machines": _machines(prefix, store),
        "pipelines": {
            name: {"definition": store.keep(_text(found.definition)), "role": found.role_arn}
            for name, found in pipelines.items()
        },
        "tasks": {task["family"]: store.keep(_text(task)) for task in _tasks(prefix)},
        "images": _images(pipelines, found_stacks),
        "features": {"v1": sha256(features).hexdigest()},
        "model_format": FORMAT_VERSION,
        "lake_format": LAKE_FORMAT,
    }


def check_kept(wanted: Release, store: Store) -> None:
    """Refuses a release of which a text, the wheel or a script is missing or altered.

    Raises:
        DeploymentError: one is.
        AwsError: they cannot be read.
    """
    kept = [one["template"] for one in wanted["stacks"].values()]
    kept += [one["definition"] for one in wanted["pipelines"].values()]
    for digest in {*kept, *wanted["tasks"].values()}:
        store.text(digest)
    for one in wanted["code"].values():
        store.content(one["key"], one["sha256"])


def restore(wanted: Release, store: Store, tell: Told) -> None:
    """Makes all parts what they were: who starts things first, and what is started after it.

    Machines, pipelines, tasks and stacks that the release did not have stay, and nothing starts them. Interrupted and
    repeated, it does the rest.

    Raises:
        DeploymentError: a part cannot be what it was.
        AwsError: a call was refused.
    """
    states = client("stepfunctions")
    for machine, one in wanted["machines"].items():
        tell(machine, _word(take_up(states, machine, one["version"], one["note"])))
    for name, one in wanted["pipelines"].items():
        tell(f"pipeline {name}", _word(_restore_pipeline(name, store.text(one["definition"]), one["role"])))
    for family, digest in wanted["tasks"].items():
        tell(f"task {family}", _word(_restore_task(json.loads(store.text(digest)))))
    for name, one in reversed(wanted["stacks"].items()):
        tell(f"stack {name}", _restore_stack(name, store.text(one["template"]), one["parameters"]))


def _word(is_changed: bool) -> str:
    return "rolled back" if is_changed else "unchanged"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _machines(prefix: str, store: Store) -> dict[str, dict[str, Any]]:
    states = client("stepfunctions")
    by_name, found = machines_by_name(states), {}
    for name in (f"{prefix}{machine}" for machine in MACHINES):
        if name in by_name:
            with aws_errors(f"the version of the state machine {name} could not be read"):
                version, note = live_version(states, by_name[name])
                described = states.describe_state_machine(stateMachineArn=f"{by_name[name]}:{version}")
            digest = sha256(described["definition"].encode()).hexdigest()
            found[name] = {"version": version, "note": note, "definition": digest}
    return found


def _pipelines(prefix: str) -> dict[str, Any]:
    sagemaker = client("sagemaker")
    found = {name: describe(sagemaker, name) for name in (f"{prefix}{name}" for name in pipeline_names())}
    return {name: one for name, one in found.items() if one}


def _images(pipelines: Mapping[str, Any], stacks: Mapping[str, Any]) -> dict[str, str]:
    """The digest of each image in ECR that pipelines, the models that these serve, and functions run."""
    tags = {one["parameters"][RELEASE] for one in stacks.values() if RELEASE in one["parameters"]}
    definitions = [one.definition for one in pipelines.values() if isinstance(one.definition, dict)]
    pushed = [defaults_of(definition) for definition in definitions]
    named = {image for definition in definitions for image in uris(definition)} | {*map(served_image, pushed)}
    for registry, tag in product({one[REGISTRY] for one in pushed}, tags):
        named |= named_images(registry, tag)
    found = {image: digest_of(image) for image in sorted(named)}
    return {image: digest for image, digest in found.items() if digest}


def _stack(name: str, described: Mapping[str, Any], store: Store) -> dict[str, Any]:
    parameters = {entry["ParameterKey"]: entry["ParameterValue"] for entry in described.get("Parameters", [])}
    body = deployed_template(client("cloudformation"), name)
    return {"template": store.keep(body or ""), "parameters": parameters}


def _code(stacks: Mapping[str, Any], store: Store) -> dict[str, dict[str, str]]:
    """Key and SHA-256 of wheel and scripts, by the parameter of the stacks that is the key."""
    keys = {
        parameter: value
        for stack in stacks.values()
        for parameter, value in stack["parameters"].items()
        if value.startswith(f"{CODE}/")
    }
    return {name: {"key": key, "sha256": store.digest(key) or "missing"} for name, key in sorted(keys.items())}


def _tasks(prefix: str) -> list[dict[str, Any]]:
    ecs = client("ecs")
    with aws_errors("the task definitions could not be read"):
        pages = list(ecs.get_paginator("list_task_definition_families").paginate(familyPrefix=f"{prefix}ndr-"))
        families = sorted(family for page in pages for family in page["families"])
        found = [ecs.describe_task_definition(taskDefinition=family)["taskDefinition"] for family in families]
    return [{name: task[name] for name in OF_TASK if name in task} for task in found]


def _restore_pipeline(name: str, definition: str, role: str) -> bool:
    sagemaker = client("sagemaker")
    found = describe(sagemaker, name)
    if found and (_text(found.definition), found.role_arn) == (definition, role):
        return False
    with aws_errors(f"pipeline {name} could not be updated"):
        sagemaker.update_pipeline(PipelineName=name, PipelineDefinition=definition, RoleArn=role)
    return True


def _restore_task(wanted: Mapping[str, Any]) -> bool:
    ecs = client("ecs")
    with aws_errors(f"the task definition {wanted['family']} could not be registered"):
        described = ecs.describe_task_definition(taskDefinition=wanted["family"], include=["TAGS"])
        found = described["taskDefinition"]
        if {name: found[name] for name in OF_TASK if name in found} == wanted:
            return False
        ecs.register_task_definition(**wanted, tags=described.get("tags", []))
    return True


def _restore_stack(name: str, template: str, parameters: Mapping[str, str]) -> str:
    request = {
        "StackName": name,
        "TemplateBody": template,
        "Capabilities": CAPABILITIES,
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    }
    done = apply_request(client("cloudformation"), request, is_new=False, allow_replace=True, tell=lambda change: None)
    return "unchanged" if done == "unchanged" else "rolled back"
