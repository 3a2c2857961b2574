"""Command line of the pipelines."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from common.runtime.cli import Command, report_errors
from common.runtime.commands import group
from common.runtime.environments import environment_option, prefix_of
from common.runtime.output import activity, message
from common.runtime.rows import format_option, print_rows
from common.runtime.version import version_option
from pipelines.assignments import AssignmentError, checked_assignment
from pipelines.types import AssignmentType, PipelineNameType, RoleArnType

if TYPE_CHECKING:
    from pipelines.deployment import Plan
    from pipelines.tasks import TaskPlan


ACCOUNT = {"Deployment": ("role-arn", "task-execution-role-arn", "subnet", "security-group")}
"""The group of the options that say where and as whom AWS runs things."""


def deployment_options(function: Command) -> Command:
    """Adds `--environment`, `--only`, `--default` and those of `ACCOUNT`."""
    for option in (
        environment_option,
        click.option(
            "--security-group",
            "security_groups",
            multiple=True,
            metavar="ID",
            help="Security group of the steps' containers in their VPC; repeatable.",
        ),
        click.option(
            "--subnet",
            "subnets",
            multiple=True,
            metavar="ID",
            help="Subnet of a VPC that the steps' containers are attached to, with at least one security group; "
            "repeatable. Without any, pipelines keep what they have; new ones have none.",
        ),
        click.option(
            "--default",
            "defaults",
            type=AssignmentType(),
            multiple=True,
            metavar="NAME=VALUE",
            help="Default of a parameter in every pipeline that has it, instead of the committed one or, for "
            "ImageRegistry and ImageTag, that of the last push; repeatable.",
        ),
        click.option(
            "--role-arn",
            type=RoleArnType(),
            envvar="NDR_PIPELINE_ROLE_ARN",
            show_envvar=True,
            metavar="ARN",
            help="Role of the pipelines, and default of their parameter RoleArn, the role of the jobs. Required "
            "to create a pipeline; without it, an existing one keeps its role.",
        ),
        click.option(
            "--task-execution-role-arn",
            "execution_role_arn",
            type=RoleArnType(),
            envvar="NDR_TASK_EXECUTION_ROLE_ARN",
            show_envvar=True,
            metavar="ARN",
            help="Role with which ECS starts tasks, the output TaskExecutionRoleArn of a stack with Runner=tasks. With "
            "it, the task definitions of the pipelines of one step are handled too.",
        ),
        click.option(
            "--only",
            type=PipelineNameType(),
            multiple=True,
            metavar="NAME",
            help="Only this pipeline; repeatable.  [default: all]",
        ),
    ):
        function = option(function)
    return function


def checked_defaults(names: Iterable[str], defaults: dict[str, str]) -> dict[str, str]:
    """The defaults as given; a usage error where no pipeline has the parameter, or it cannot take the value."""
    from pipelines import definitions

    declared = {entry["Name"]: entry for name in names for entry in definitions.load(name)["Parameters"]}
    for name, value in defaults.items():
        try:
            checked_assignment(declared, name, value)
        except AssignmentError as error:
            raise click.BadParameter(str(error), param_hint="'--default'") from None
    return defaults


def compared(
    client: Any,
    environment: str,
    only: tuple[str, ...],
    role_arn: str | None,
    execution_role_arn: str | None,
    defaults: dict[str, str],
    subnets: tuple[str, ...],
    security_groups: tuple[str, ...],
) -> tuple[list[Plan], list[TaskPlan]]:
    """The plans of the pipelines, and of the task definitions if there are tasks; prints which images these have."""
    from common.aws.clients import client as aws_client
    from pipelines import definitions, images
    from pipelines.deployment import look_up, plans
    from pipelines.network import network_of
    from pipelines.tasks import task_plans

    if bool(subnets) != bool(security_groups):
        raise click.UsageError("--subnet and --security-group need each other.")
    names = only or tuple(definitions.names())
    network = network_of(subnets, security_groups)
    checked = checked_defaults(names, defaults)
    found = plans(look_up(client, names, prefix_of(environment)), role_arn, checked, network)
    for line in images.summary({planned.name: planned.images for planned in found}):
        click.echo(line)
    return found, task_plans(aws_client("ecs"), found, execution_role_arn) if execution_role_arn else []


@group(name="ndr-pipelines", epilog="Example: ndr-pipelines upsert --role-arn arn:aws:iam::123456789012:role/ndr")
@version_option
def main() -> None:
    """Generate, compare, deploy and start the SageMaker pipelines.

    Set AWS_ENDPOINT_URL to use a server other than AWS.
    """


@main.command(name="list", epilog="Example: ndr-pipelines list")
@format_option
@report_errors
def list_pipelines(form: str) -> None:
    """List the pipelines with their steps, in the order in which they run."""
    from pipelines import definitions

    steps = {name: [step["Name"] for step in definitions.load(name)["Steps"]] for name in definitions.names()}
    print_rows(({"pipeline": name, "steps": found} for name, found in steps.items()), form, ("pipeline", "steps"))


@main.command(epilog="Example: ndr-pipelines generate --check")
@click.option("--check", is_flag=True, help="Write nothing; fail if the committed definitions are not current.")
@report_errors
def generate(check: bool) -> None:
    """Generate the definitions of the pipelines.

    The SageMaker SDK builds them, in its own environment and without AWS.
    """
    from pipelines import definitions

    with activity("building the definitions"):
        built = definitions.build()
    stale = definitions.stale(built)
    if check:
        definitions.refuse(stale)
    definitions.write(built)
    for name in sorted({*built, *stale}):
        state = "unchanged" if name not in stale else "written" if name in built else "removed"
        click.echo(f"{name}: {state}")


@main.command(
    epilog="Example: ndr-pipelines upsert --only ndr-if-training --dry-run",
    groups={"Pipelines": ("only", "default", "tag", "dry-run"), **ACCOUNT},
)
@deployment_options
@click.option(
    "--tag",
    "tags",
    type=AssignmentType(),
    multiple=True,
    metavar="KEY=VALUE",
    help="Tag of the pipelines that are created; repeatable.",
)
@click.option("--dry-run", is_flag=True, help="Change nothing; print what would change.")
@report_errors
def upsert(dry_run: bool, tags: Any, defaults: Any, **options: Any) -> None:
    """Create or update the pipelines as they are committed, and their task definitions.

    Their images are those of the last make push from this checkout, else those that are deployed. If AWS cannot pull
    one of them, nothing is changed. On the local AWS, they are those of this machine. Prints registry and tag, and each
    change as place: deployed -> committed. A second run changes nothing.
    """
    from common.aws.clients import client as aws_client
    from pipelines.deployment import apply, check_images
    from pipelines.tasks import register

    client = aws_client("sagemaker")
    plans, tasks = compared(client, defaults=dict(defaults), **options)
    check_images(plans)
    words = ("would be created", "would be updated") if dry_run else ("created", "updated")
    for planned in plans:
        if not dry_run:
            with activity(planned.name):
                apply(client, planned, dict(tags))
        click.echo(planned.summary(*words))
    for task in tasks:
        if not dry_run:
            register(aws_client("ecs"), task, dict(tags))
        click.echo(task.summary(*words))


@main.command(
    epilog="Example: ndr-pipelines diff --only ndr-15m-streaming",
    groups={"Pipelines": ("only", "default", "exit-code"), **ACCOUNT},
)
@deployment_options
@click.option("--exit-code", is_flag=True, help="Exit with 1 if anything differs.")
@report_errors
def diff(exit_code: bool, defaults: Any, **options: Any) -> None:
    """Compare the deployed pipelines with the committed ones, with the images that upsert takes.

    Prints registry and tag, and each difference as place: deployed -> committed.
    """
    from common.aws.clients import client as aws_client

    plans, tasks = compared(aws_client("sagemaker"), defaults=dict(defaults), **options)
    found: list[Plan | TaskPlan] = [*plans, *tasks]
    for planned in found:
        click.echo(planned.summary("not deployed", "different"))
    if exit_code and any(planned.changes != () for planned in found):
        sys.exit(1)


@main.command(
    epilog="Example: ndr-pipelines start ndr-delta-builder --parameter ProjectName=acme "
    "--parameter BatchStartTsIso=2026-03-10T13:08:00Z ... --wait"
)
@click.argument("name")
@click.option(
    "--parameter",
    "parameters",
    type=AssignmentType(),
    multiple=True,
    metavar="NAME=VALUE",
    help="Value of a parameter; repeatable.",
)
@click.option("--wait", is_flag=True, help="Wait for the execution to end; fail if it fails.")
@click.option(
    "--poll-seconds",
    type=click.FloatRange(0.1, 600),
    default=15,
    show_default=True,
    help="Seconds between status checks.",
)
@report_errors
def start(name: str, parameters: Any, wait: bool, poll_seconds: float) -> None:
    """Start the deployed pipeline NAME.

    Prints the ARN of the execution; progress goes to stderr.
    """
    from common.aws.clients import client as aws_client
    from pipelines.executions import start as start_execution
    from pipelines.executions import wait as wait_for_execution

    client = aws_client("sagemaker")
    arn = start_execution(client, name, dict(parameters))
    click.echo(arn)
    if wait:
        with activity(f"waiting for {name}"):
            wait_for_execution(client, arn, poll_seconds, report=message)
