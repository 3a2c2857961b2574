"""Commands for an environment as a whole: deploy it, say how it does, remove it."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from common.errors import DeploymentError, ParameterError
from common.runtime.cli import report_errors
from common.runtime.commands import command
from common.runtime.environments import EnvironmentType, prefix_of
from common.runtime.output import activity
from common.runtime.rows import format_option, print_rows
from statemachines.canary_option import Canary, CanaryType
from statemachines.deploy.parts import PARTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipelines.deployment import LookedUp, Plan
    from statemachines.deploy.code import Code
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
@click.option(
    "--canary",
    type=CanaryType(),
    metavar="PERCENT/TIME",
    help="Part of the executions that start new versions of the machines first, and how long their alarms are watched: "
    "10%/5m. If one goes off, all goes back to the release before.",
)
@click.option(
    "--signed",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="FOLDER",
    help="What ndr-statemachines sign has written: the wheel is taken from there.  [default: it is built]",
)
@report_errors
def up(environment: str, allow_replace: bool, parts: Sequence[str], canary: Canary | None, signed: Path | None) -> None:
    """Deploy all of an environment as statemachines/environments/ENVIRONMENT.yaml describes it.

    Looks at signatures, images, files and roles before anything changes, prints what changes of each stack before it
    does, and refuses what would be replaced or deleted. Aliases are moved last. What an environment of this name left
    when it was removed is taken over. Interrupted, it is taken up again by the same command; a second run changes
    nothing. A part that is left out stays as it is.
    """
    from common.aws.caller import identity
    from common.aws.clients import client
    from pipelines.definitions import names
    from pipelines.deployment import check_images, look_up
    from statemachines.deploy.canary import CanaryError, check_quiet
    from statemachines.deploy.deployment import deploy_all
    from statemachines.deploy.environment import trusted_key
    from statemachines.deploy.function_images import check_functions, function_images
    from statemachines.deploy.parts import machines_of, stacks_of
    from statemachines.deploy.permissions.preflight import check_roles
    from statemachines.deploy.preflight import checks, run
    from statemachines.deploy.quotas import check_jobs
    from statemachines.deploy.releases import begin, record_deployed
    from statemachines.deploy.signatures import Signatures
    from statemachines.deploy.subscribers import subscribe

    described, projects = _read(environment)
    chosen, prefix = parts or described.parts, prefix_of(environment)
    identity()  # or each of the checks would say that there is none
    signatures = Signatures.of(signed, trusted_key(described))
    looked_at = list(checks(prefix, chosen, described.parameters, projects))
    looked_at.append(lambda: check_functions(prefix, chosen, described.parameters))
    planned: list[Plan] = []
    if "ndr" in chosen:
        pipelines = look_up(client("sagemaker"), names(), prefix)
        planned = _planned(described, pipelines, None)
        looked_at += [lambda: check_images(planned), lambda: check_jobs(planned)]
    given = described.parameters
    if signatures.signed:
        looked_at.append(lambda: signatures.check_images(planned, function_images(prefix, chosen, given)))
    looked_at.append(lambda: check_roles(prefix, chosen, described.parameters))
    if canary:
        machines = [f"{prefix}{machine}" for machine in machines_of(chosen)]
        looked_at.append(lambda: check_quiet(_schedules(environment, described), machines))
    run(looked_at)
    bucket = _artifacts(prefix)

    def check_and_begin(code: Code) -> None:
        signatures.check_code(code)
        if bucket:
            begin(bucket)

    def deploy_pipelines(found: Mapping[str, str]) -> None:
        if "ndr" in chosen:
            _deploy_pipelines(_planned(described, pipelines, found["PipelineRoleArn"]), environment, found)

    try:
        found = deploy_all(
            prefix,
            chosen,
            described.parameters,
            projects,
            signatures.wheel,
            allow_replace,
            check_and_begin,
            deploy_pipelines,
            canary,
        )
    except CanaryError:
        if bucket:
            roll_back_release(environment)
        raise
    for topic, subscriber in subscribe(found, described.subscribers):
        click.echo(f"topic {topic}: tells {subscriber}")
    stacks = [stack.name for stack in stacks_of(prefix)]
    signed_by = signatures.signed_by
    number, is_new = record_deployed(prefix, found["ArtifactsBucket"], stacks, signatures.tag, signed_by)
    origin = (
        f"signed by key {signed_by[:12]}"
        if signed_by
        else "signatures not checked, as the environment has no trust_key"
    )
    click.echo(f"release: {number}, {origin if is_new else 'unchanged'}")


@command("status", epilog="Example: ndr-statemachines status dev")
@ENVIRONMENT
@format_option
@report_errors
def status(environment: str, form: str) -> None:
    """Say what an environment has, and how it does: a line for each stack, machine, pipeline, schedule, queue, alarm.

    The repositories of images, which are the account's, come last.

    Exit code 1 says that something is missing, failed last, is late by its schedule, has dead letters, or alarms.
    """
    from statemachines.deploy.parts import stacks_of
    from statemachines.deploy.status import is_well, parts, registry, release

    described, _ = _read(environment)
    names = [stack.name for stack in stacks_of(prefix_of(environment), described.parts)]
    found = list(parts(prefix_of(environment), _schedules(environment, described), names))
    found = [*release(_artifacts(prefix_of(environment))), *found, *registry()]
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
    from statemachines.deploy.described import stack_described
    from statemachines.deploy.parts import stacks_of
    from statemachines.deploy.registry import STACK
    from statemachines.deploy.releases import forget
    from statemachines.deploy.removal import destroy as remove
    from statemachines.deploy.stack import holding_data

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
    if bucket := _artifacts(prefix):
        forget(bucket)
    with activity(f"removal of {environment}"):
        remove(
            prefix,
            _schedules(environment, described),
            names,
            holding,
            delete_data is not None,
            lambda name, done: click.echo(f"{name}: {done}"),
        )
    if stack_described(cloudformation, STACK):
        click.echo(f"stack {STACK}: stays, as it is the account's; ndr-statemachines registry --remove removes it")


def roll_back_release(environment: str) -> None:
    """Makes all parts of an environment what they were in the release before; prints what was done to each.

    Raises:
        DeploymentError: nothing is deployed, or there is no release before.
        AwsError: a call was refused.
    """
    from statemachines.deploy.releases import go_back

    bucket = _artifacts(prefix_of(environment))
    if bucket is None:
        raise DeploymentError(f"the environment {environment} is not deployed", "Deploy it with make deploy")
    with activity(f"release of {environment}"):
        number = go_back(bucket, lambda name, done: click.echo(f"{name}: {done}"))
    click.echo(f"release: {number}")


def _artifacts(prefix: str) -> str | None:
    """The bucket with the code and the record of releases; None where the stack that has it was never deployed."""
    from common.aws.clients import client
    from statemachines.deploy.described import read_outputs, stack_described
    from statemachines.deploy.parts import FOUNDATION

    cloudformation, name = client("cloudformation"), f"{prefix}{FOUNDATION}"
    return read_outputs(cloudformation, name).get("ArtifactsBucket") if stack_described(cloudformation, name) else None


def _planned(described: Environment, pipelines: LookedUp, role_arn: str | None) -> list[Plan]:
    """The pipelines of an environment, against the deployed ones; without a role, each keeps its own."""
    from pipelines.deployment import plans
    from pipelines.network import network_of

    of_network = described.network
    network = network_of(of_network.subnets, of_network.security_groups) if of_network else None
    return plans(pipelines, role_arn, described.pipeline_defaults, network)


def _deploy_pipelines(planned: Sequence[Plan], environment: str, outputs: Mapping[str, str]) -> None:
    """Makes the pipelines what is planned, and the task definitions, where there are tasks; prints what was done."""
    from common.aws.clients import client
    from pipelines.deployment import apply
    from pipelines.tasks import register, task_plans
    from statemachines.deploy.tags import environment_tags

    sagemaker, tags = client("sagemaker"), environment_tags(prefix_of(environment))
    for plan in planned:
        with activity(plan.name):
            apply(sagemaker, plan, tags)
        click.echo(f"pipeline {plan.summary('created', 'updated')}")
    if outputs["TaskExecutionRoleArn"] != "none":
        ecs = client("ecs")
        for task in task_plans(ecs, planned, outputs["TaskExecutionRoleArn"]):
            register(ecs, task, tags)
            click.echo(task.summary("created", "updated"))


def _read(environment: str) -> tuple[Environment, list[Path]]:
    """An environment, and the files of its projects."""
    from statemachines.deploy.environment import read_environment

    return read_environment(environment)


def _schedules(environment: str, described: Environment) -> str:
    """What the names of schedules, queues and alarms begin with."""
    return f"{prefix_of(environment)}{described.parameters.get('NamePrefix', 'ndr')}"
