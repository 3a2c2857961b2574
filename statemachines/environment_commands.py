"""Commands for an environment as a whole: deploy it, say how it does, remove it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
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
from statemachines.deploy.canary import Canary, CanaryType

if TYPE_CHECKING:
    from statemachines.deploy.deployment import Stacks
    from statemachines.deploy.environment import Environment

ENVIRONMENT = click.argument("environment", type=EnvironmentType(), metavar="ENVIRONMENT")


@command("up", epilog="Example: ndr-statemachines up dev")
@ENVIRONMENT
@click.option("--allow-replace", is_flag=True, help="Go on where resources would be replaced or deleted.")
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
def up(environment: str, allow_replace: bool, canary: Canary | None, signed: Path | None) -> None:
    """Deploy all of an environment as statemachines/environments/ENVIRONMENT.yaml describes it.

    Looks at signatures, images and files before anything changes, prints what changes of each stack before it does,
    and refuses what would be replaced or deleted. Aliases are moved last. What an environment of this name left when
    it was removed is taken over. Interrupted, it is taken up again by the same command; a second run changes nothing.
    """
    from common.aws.clients import client
    from pipelines.definitions import names
    from pipelines.deployment import apply, check_images, plans
    from pipelines.network import network_of
    from pipelines.tasks import register, task_plans
    from statemachines.definitions import MACHINES
    from statemachines.deploy.canary import CanaryError, check_quiet
    from statemachines.deploy.deployment import deploy_all
    from statemachines.deploy.environment import trusted_key
    from statemachines.deploy.releases import begin, record_deployed
    from statemachines.deploy.signatures import Signatures

    described, projects, stacks = _read(environment)
    prefix, sagemaker = prefix_of(environment), client("sagemaker")
    of_network = described.network
    network = network_of(of_network.subnets, of_network.security_groups) if of_network else None
    defaults = described.pipeline_defaults
    signatures = Signatures.of(signed, trusted_key(described))
    if signatures.signed is None:
        click.echo("signatures: not checked, as the environment has no trust_key", err=True)
    planned_first = plans(sagemaker, names(), None, defaults, network, prefix)
    check_images(planned_first)
    signatures.check_images(planned_first)
    if canary:
        check_quiet(_schedules(environment, described), [f"{prefix}{machine}" for machine in MACHINES])
    bucket = _artifacts(stacks)
    if bucket:
        begin(bucket)

    def deploy_pipelines(found: Mapping[str, str]) -> None:
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

    try:
        found = deploy_all(
            prefix,
            stacks,
            described.parameters,
            projects,
            signatures.wheel,
            allow_replace,
            signatures.check_code,
            deploy_pipelines,
            canary,
        )
    except CanaryError:
        if bucket:
            roll_back_release(environment)
        raise
    names_of_stacks = [name for name, _ in stacks.templates()]
    number = record_deployed(prefix, found["ArtifactsBucket"], names_of_stacks, signatures.tag, signatures.signed_by)
    click.echo(f"release: {number}")


@command("sign", epilog="Example: ndr-statemachines sign --key release.pem --out build/release")
@click.option(
    "--key",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Private key in PEM: Ed25519, ECDSA or RSA.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write the wheel and its signed provenance to.",
)
@report_errors
def sign(key: Path, out: Path) -> None:
    """Build the wheel from a commit, and sign it, its scripts and the images last pushed, with where they are from.

    What is written is a DSSE envelope with an in-toto statement, which up takes with --signed. An environment whose
    file names a trusted_key takes nothing else.
    """
    from statemachines.deploy.signatures import checkout_tag, sign_release

    with activity("signature"):
        for name in sign_release(key, out, checkout_tag()):
            click.echo(f"{name}: signed")


@command("status", epilog="Example: ndr-statemachines status dev")
@ENVIRONMENT
@format_option
@report_errors
def status(environment: str, form: str) -> None:
    """Say what an environment has, and how it does: a line for each stack, machine, pipeline, schedule, queue, alarm.

    Exit code 1 says that something is missing, failed last, has dead letters, or alarms.
    """
    from statemachines.deploy.status import is_well, parts, release

    described, _, stacks = _read(environment)
    names = [name for name, _ in stacks.templates()]
    found = list(parts(prefix_of(environment), _schedules(environment, described), names))
    found = [*release(_artifacts(stacks)), *found]
    print_rows([asdict(part) for part in found], form, ("kind", "name", "state", "about", "since"))
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
    from statemachines.deploy.stack import holding_data

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
    if bucket := _artifacts(stacks):
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


def roll_back_release(environment: str) -> None:
    """Makes all parts of an environment what they were in the release before; prints what was done to each.

    Raises:
        DeploymentError: nothing is deployed, or there is no release before.
        AwsError: a call was refused.
    """
    from statemachines.deploy.releases import go_back

    _, _, stacks = _read(environment)
    bucket = _artifacts(stacks)
    if bucket is None:
        raise DeploymentError(f"the environment {environment} is not deployed", "Deploy it with make deploy")
    with activity(f"release of {environment}"):
        number = go_back(bucket, lambda name, done: click.echo(f"{name}: {done}"))
    click.echo(f"release: {number}")


def _read(environment: str) -> tuple[Environment, list[Path], Stacks]:
    """An environment, the files of its projects, and its stacks."""
    from statemachines.deploy.deployment import Stacks
    from statemachines.deploy.environment import read_environment

    described, projects = read_environment(environment)
    return described, projects, Stacks.of(prefix_of(environment), described.customer_360)


def _artifacts(stacks: Stacks) -> str | None:
    """The bucket with the code and the record of releases; None where the stack that has it was never deployed."""
    from common.aws.clients import client
    from statemachines.deploy.stack import read_outputs, stack_described

    cloudformation = client("cloudformation")
    if stack_described(cloudformation, stacks.control_plane) is None:
        return None
    return read_outputs(cloudformation, stacks.control_plane).get("ArtifactsBucket")


def _schedules(environment: str, described: Environment) -> str:
    """What the names of schedules, queues and alarms begin with."""
    return f"{prefix_of(environment)}{described.parameters.get('NamePrefix', 'ndr')}"
