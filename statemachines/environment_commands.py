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

if TYPE_CHECKING:
    from pathlib import Path

    from statemachines.deploy.deployment import Stacks
    from statemachines.deploy.environment import Environment

ENVIRONMENT = click.argument("environment", type=EnvironmentType(), metavar="ENVIRONMENT")


@command("up", epilog="Example: ndr-statemachines up dev")
@ENVIRONMENT
@click.option("--allow-replace", is_flag=True, help="Go on where resources would be replaced or deleted.")
@report_errors
def up(environment: str, allow_replace: bool) -> None:
    """Deploy all of an environment as statemachines/environments/ENVIRONMENT.yaml describes it.

    Looks at images and files before anything changes, prints what changes of each stack before it does, and refuses
    what would be replaced or deleted. What an environment of this name left when it was removed is taken over.
    Interrupted, it is taken up again by the same command; a second run changes nothing.
    """
    from common.aws.clients import client
    from pipelines.definitions import names
    from pipelines.deployment import apply, check_images, plans
    from pipelines.network import network_of
    from pipelines.tasks import register, task_plans
    from statemachines.deploy.deployment import deploy_all
    from statemachines.deploy.releases import record

    described, projects, stacks = _read(environment)
    prefix, sagemaker = prefix_of(environment), client("sagemaker")
    of_network = described.network
    network = network_of(of_network.subnets, of_network.security_groups) if of_network else None
    defaults = described.pipeline_defaults
    check_images(plans(sagemaker, names(), None, defaults, network, prefix))
    found = deploy_all(prefix, stacks, described.parameters, projects, allow_replace=allow_replace)
    planned = plans(sagemaker, names(), found["StepRoleArn"], defaults, network, prefix)
    for plan in planned:
        with activity(plan.name):
            apply(sagemaker, plan, {"environment": environment})
        click.echo(f"pipeline {plan.summary('created', 'updated')}")
    if found["TaskExecutionRoleArn"] != "none":
        ecs = client("ecs")
        for task in task_plans(ecs, planned, found["TaskExecutionRoleArn"]):
            register(ecs, task)
            click.echo(task.summary("created", "updated"))
    number = record(prefix, found["ArtifactsBucket"], [name for name, _ in stacks.templates()])
    click.echo(f"release: {number}")


@command("status", epilog="Example: ndr-statemachines status dev")
@ENVIRONMENT
@format_option
@report_errors
def status(environment: str, form: str) -> None:
    """Say what an environment has, and how it does: a line for each stack, machine, pipeline, schedule, queue, alarm.

    Exit code 1 says that something is missing, failed last, is late by its schedule, has dead letters, or alarms.
    """
    from statemachines.deploy.status import is_well, parts

    described, _, stacks = _read(environment)
    names = [name for name, _ in stacks.templates()]
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
    from statemachines.deploy.releases import forget
    from statemachines.deploy.removal import destroy as remove
    from statemachines.deploy.stack import holding_data, read_outputs, stack_described

    if delete_data not in (None, environment):
        raise ParameterError(
            f"--delete-data {delete_data} is not the environment that is removed, {environment}", "Give the same name"
        )
    described, _, stacks = _read(environment)
    prefix, cloudformation = prefix_of(environment), client("cloudformation")
    given = {**described.parameters, "Environment": prefix}
    templates = list(stacks.templates())
    holding = [one for _, template in templates for one in holding_data(cloudformation, template, given)]
    names = [name for name, _ in reversed(templates)]
    if stack_described(cloudformation, stacks.control_plane):
        forget(read_outputs(cloudformation, stacks.control_plane)["ArtifactsBucket"])
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
    from statemachines.deploy.releases import go_back
    from statemachines.deploy.stack import read_outputs

    _, _, stacks = _read(environment)
    bucket = read_outputs(client("cloudformation"), stacks.control_plane)["ArtifactsBucket"]
    with activity(f"release of {environment}"):
        number = go_back(bucket, lambda name, done: click.echo(f"{name}: {done}"))
    click.echo(f"release: {number}")


def _read(environment: str) -> tuple[Environment, list[Path], Stacks]:
    """An environment, the files of its projects, and its stacks."""
    from statemachines.deploy.deployment import Stacks
    from statemachines.deploy.environment import read_environment

    described, projects = read_environment(environment)
    return described, projects, Stacks.of(prefix_of(environment), described.customer_360)


def _schedules(environment: str, described: Environment) -> str:
    """What the names of schedules, queues and alarms begin with."""
    return f"{prefix_of(environment)}{described.parameters.get('NamePrefix', 'ndr')}"
