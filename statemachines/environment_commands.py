"""Commands for an environment as a whole: deploy it, say how it does, remove it."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from common.errors import ParameterError
from common.runtime.cli import report_errors
from common.runtime.commands import command
from common.runtime.environments import EnvironmentType, prefix_of
from common.runtime.output import activity
from common.runtime.rows import format_option, print_rows
from statemachines.deploy.parts import PARTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipelines.deployment import Plan
    from statemachines.deploy.environment import Environment

ENVIRONMENT = click.argument("environment", type=EnvironmentType(), metavar="ENVIRONMENT")
PARTS_OPTION = click.option(
    "--parts",
    multiple=True,
    type=click.Choice(PARTS),
    help="Part that is deployed; repeatable.  [default: those that the environment's file says]",
)


@command("up", epilog="Example: ndr-statemachines up dev")
@ENVIRONMENT
@click.option("--allow-replace", is_flag=True, help="Go on where resources would be replaced or deleted.")
@PARTS_OPTION
@report_errors
def up(environment: str, allow_replace: bool, parts: Sequence[str]) -> None:
    """Deploy all of an environment as statemachines/environments/ENVIRONMENT.yaml describes it.

    Looks at images and files before anything changes, prints what changes of each stack before it does, and refuses
    what would be replaced or deleted. What an environment of this name left when it was removed is taken over.
    Interrupted, it is taken up again by the same command; a second run changes nothing. A part that is left out stays
    as it is.
    """
    from pipelines.deployment import check_images
    from statemachines.deploy.deployment import deploy_all
    from statemachines.deploy.parts import stacks_of
    from statemachines.deploy.releases import record

    described, projects = _read(environment)
    chosen, prefix = parts or described.parts, prefix_of(environment)
    if "ndr" in chosen:
        check_images(_pipelines(described, prefix, None))
    found = deploy_all(prefix, chosen, described.parameters, projects, allow_replace=allow_replace)
    if "ndr" in chosen:
        _deploy_pipelines(_pipelines(described, prefix, found["StepRoleArn"]), environment, found)
    number = record(prefix, found["ArtifactsBucket"], [stack.name for stack in stacks_of(prefix, chosen)])
    click.echo(f"release: {number}")


@command("status", epilog="Example: ndr-statemachines status dev")
@ENVIRONMENT
@format_option
@report_errors
def status(environment: str, form: str) -> None:
    """Say what an environment has, and how it does: a line for each stack, machine, pipeline, schedule, queue, alarm.

    Exit code 1 says that something is missing, failed last, is late by its schedule, has dead letters, or alarms.
    """
    from statemachines.deploy.parts import stacks_of
    from statemachines.deploy.status import is_well, parts

    described, _ = _read(environment)
    names = [stack.name for stack in stacks_of(prefix_of(environment), described.parts)]
    found = list(parts(prefix_of(environment), _schedules(environment, described), names))
    columns = ("kind", "name", "state", "about", "since", "next", "late_seconds")
    print_rows([asdict(part) for part in found], form, columns)
    sys.exit(0 if all(map(is_well, found)) else 1)


@command("destroy", epilog="Example: ndr-statemachines destroy dev")
@ENVIRONMENT
@click.option(
    "--delete-data", metavar="ENVIRONMENT", help="Remove buckets, tables and logs, too; the environment's name again."
)
@report_errors
def destroy(environment: str, delete_data: str | None) -> None:
    """Remove an environment: schedules, machines, pipelines, tasks and stacks.

    What holds data stays, and a later deployment takes it over, unless the data are to go. Interrupted, the same
    command does the rest.
    """
    from common.aws.clients import client
    from statemachines.deploy.parts import FOUNDATION, stacks_of
    from statemachines.deploy.releases import forget
    from statemachines.deploy.removal import destroy as remove
    from statemachines.deploy.stack import holding_data, read_outputs, stack_described

    if delete_data not in (None, environment):
        raise ParameterError(
            f"--delete-data {delete_data} is not the environment that is removed, {environment}", "Give the same name"
        )
    described, _ = _read(environment)
    prefix, cloudformation = prefix_of(environment), client("cloudformation")
    given = {**described.parameters, "Environment": prefix}
    stacks = stacks_of(prefix)
    holding = [one for stack in stacks for one in holding_data(cloudformation, stack.template, given)]
    names = [stack.name for stack in reversed(stacks)]
    if stack_described(cloudformation, f"{prefix}{FOUNDATION}"):
        forget(read_outputs(cloudformation, f"{prefix}{FOUNDATION}")["ArtifactsBucket"])
    with activity(f"removal of {environment}"):
        remove(
            prefix,
            _schedules(environment, described),
            names,
            holding,
            delete_data is not None,
            lambda name, done: click.echo(f"{name}: {done}"),
        )


def roll_back_release(environment: str) -> None:
    """Makes all parts of an environment what they were in the release before; prints what was done to each.

    Raises:
        DeploymentError: there is no release before.
        AwsError: a call was refused.
    """
    from common.aws.clients import client
    from statemachines.deploy.parts import FOUNDATION
    from statemachines.deploy.releases import go_back
    from statemachines.deploy.stack import read_outputs

    bucket = read_outputs(client("cloudformation"), f"{prefix_of(environment)}{FOUNDATION}")["ArtifactsBucket"]
    with activity(f"release of {environment}"):
        number = go_back(bucket, lambda name, done: click.echo(f"{name}: {done}"))
    click.echo(f"release: {number}")


def _pipelines(described: Environment, prefix: str, role_arn: str | None) -> list[Plan]:
    """The pipelines of an environment, against the deployed ones; without a role, each keeps its own."""
    from common.aws.clients import client
    from pipelines.definitions import names
    from pipelines.deployment import plans
    from pipelines.network import network_of

    of_network = described.network
    network = network_of(of_network.subnets, of_network.security_groups) if of_network else None
    return plans(client("sagemaker"), names(), role_arn, described.pipeline_defaults, network, prefix)


def _deploy_pipelines(planned: Sequence[Plan], environment: str, outputs: Mapping[str, str]) -> None:
    """Makes the pipelines what is planned, and the task definitions, where there are tasks; prints what was done."""
    from common.aws.clients import client
    from pipelines.deployment import apply
    from pipelines.tasks import register, task_plans

    sagemaker = client("sagemaker")
    for plan in planned:
        with activity(plan.name):
            apply(sagemaker, plan, {"environment": environment})
        click.echo(f"pipeline {plan.summary('created', 'updated')}")
    if outputs["TaskExecutionRoleArn"] != "none":
        ecs = client("ecs")
        for task in task_plans(ecs, planned, outputs["TaskExecutionRoleArn"]):
            register(ecs, task)
            click.echo(task.summary("created", "updated"))


def _read(environment: str) -> tuple[Environment, list[Path]]:
    """An environment, and the files of its projects."""
    from statemachines.deploy.environment import read_environment

    return read_environment(environment)


def _schedules(environment: str, described: Environment) -> str:
    """What the names of schedules, queues and alarms begin with."""
    return f"{prefix_of(environment)}{described.parameters.get('NamePrefix', 'ndr')}"
