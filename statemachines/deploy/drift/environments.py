"""Environments as a whole against their files: stacks, machines, pipelines, schedules of projects."""

from __future__ import annotations

import re
from collections.abc import Iterator

from common.aws.clients import aws_errors, client
from common.errors import ParameterError
from common.runtime.environments import prefix_of
from pipelines.network import network_of
from statemachines.deploy.described import read_outputs, stack_described
from statemachines.deploy.drift.comparison import Finding
from statemachines.deploy.drift.parts import (
    findings_of_machines,
    findings_of_parameters,
    findings_of_pipelines,
    findings_of_schedules,
    findings_of_subscriptions,
    findings_of_tags,
)
from statemachines.deploy.drift.stacks import DEPLOY, findings_of_stack, is_whole
from statemachines.deploy.environment import read_environment
from statemachines.deploy.function_images import release_of_images
from statemachines.deploy.parts import FOUNDATION, machines_of, stacks_of
from statemachines.deploy.projects import message_of, read_project
from statemachines.deploy.registry import STACK
from statemachines.deploy.registry import TEMPLATE as REGISTRY

OF_ENVIRONMENT = re.compile(rf"([a-z][a-z0-9]{{0,7}})-{FOUNDATION}")
"""The stack that each environment has."""


def deployed_environments() -> list[str]:
    """The names of the environments in the account, in order.

    Raises:
        AwsError: the stacks cannot be listed.
    """
    with aws_errors("the stacks cannot be listed"):
        pages = client("cloudformation").get_paginator("describe_stacks").paginate()
        names = [stack["StackName"] for page in pages for stack in page["Stacks"]]
    return sorted(match[1] for match in map(OF_ENVIRONMENT.fullmatch, names) if match)


def drift(environment: str) -> Iterator[Finding]:
    """What differs between an environment and its file, the templates and the definitions of this release.

    Raises:
        ParameterError: the environment has no file.
        AwsError: a call was refused.
    """
    described, projects = read_environment(environment)
    prefix = prefix_of(environment)
    stacks = stacks_of(prefix, described.parts)
    command = f"ndr-statemachines up {environment}"
    remedy = DEPLOY.format(command=command)
    given = {**release_of_images(), **described.parameters, "Environment": prefix}
    for stack in stacks:
        yield from findings_of_stack(stack.name, stack.template, given, command)
    cloudformation = client("cloudformation")
    if not all(is_whole(cloudformation, stack.name) for stack in stacks):
        return  # whose outputs the others are made of
    outputs: dict[str, str] = {}
    for stack in stacks:
        outputs |= read_outputs(cloudformation, stack.name)
    yield from findings_of_machines(prefix, machines_of(described.parts), outputs, remedy)
    yield from findings_of_tags(prefix, remedy)
    yield from findings_of_subscriptions(outputs, described.subscribers, remedy)
    if "ndr" not in described.parts:
        return  # to which pipelines and projects belong
    of_network = described.network
    network = network_of(of_network.subnets, of_network.security_groups) if of_network else None
    yield from findings_of_pipelines(prefix, outputs, described.pipeline_defaults, network, remedy)
    for path in projects:
        project = read_project(path)
        yield from findings_of_parameters(outputs, project, remedy)
        lake = project.orchestration.lake_uri
        yield from findings_of_schedules(outputs, project.project_name, message_of(project), lake, remedy)


def drift_of_registry() -> list[Finding] | None:
    """What differs between the account's repositories and their template; None where their stack was never made.

    Raises:
        AwsError: a call was refused.
    """
    if stack_described(client("cloudformation"), STACK) is None:
        return None
    return list(findings_of_stack(STACK, REGISTRY, {}, "ndr-statemachines registry"))


def without_file(environment: str) -> Finding | None:
    """That an environment which is deployed has no file here, so that nobody can say what it should be."""
    try:
        read_environment(environment)
    except ParameterError:
        remedy = f"Write statemachines/environments/{environment}.yaml, or remove its stacks"
        return Finding("environment", environment, "", "a file", None, remedy)
    return None
