"""Commands for what is deployed: schedules that are paused or moved, and runs by hand."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from common.runtime.cli import Command, report_errors
from common.runtime.commands import command, group
from common.runtime.environments import environment_option, in_environment, prefix_of, stack_option
from common.runtime.output import activity, message
from common.runtime.parameter_types import DaysType
from common.runtime.rows import format_option, print_rows

PIPELINES = click.Choice(["customer-360"])


def _stack(function: Command) -> Command:
    return environment_option(stack_option("ndr-customer-360", "Customer 360")(function), shown=False)


def _accept_shrink(function: Command) -> Command:
    return click.option(
        "--accept-shrink", is_flag=True, help="Publish even with far fewer customers or plans than before."
    )(function)


def _prefix(function: Command) -> Command:
    return environment_option(
        click.option(
            "--name-prefix",
            callback=in_environment,
            default="ndr",
            show_default=True,
            metavar="WORD",
            help="First part of the schedules' names, after that of the environment.",
        )(function),
        shown=False,
    )


class ExpressionType(click.ParamType[str]):
    """When a schedule runs: `0 2 * * ? *`, `cron(0 2 * * ? *)` or `rate(1 day)`."""

    name = "expression"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The expression of EventBridge; fails with a usage error that names the value."""
        text = str(value).strip()
        fields = text.removeprefix("cron(").removesuffix(")").split()
        if re.fullmatch(r"rate\(\d+ (minute|hour|day)s?\)", text):
            return text
        if len(fields) != 6 or "?" not in (fields[2], fields[4]) or text.startswith("cron(") != text.endswith(")"):
            self.fail(
                f"{value!r} is none. Use minute, hour, day, month, weekday and year, one day a ?: '0 2 * * ? *'",
                param,
                ctx,
            )
        return f"cron({' '.join(fields)})"


@group("schedules", epilog="Example: ndr-statemachines schedules pause customer-360")
def schedules() -> None:
    """List, pause, resume and move schedules; nothing is deployed for it."""


@schedules.command("list", epilog="Example: ndr-statemachines schedules list")
@_prefix
@format_option
@report_errors
def list_schedules(name_prefix: str, form: str) -> None:
    """List the schedules: whether they run, when, and what they start."""
    from common.aws.clients import client
    from statemachines.deploy.schedules import listed

    found = listed(client("scheduler"), name_prefix)
    print_rows([asdict(one) for one in found], form, ("name", "state", "cron", "target"))


@schedules.command(epilog="Example: ndr-statemachines schedules pause customer-360")
@click.argument("name")
@_prefix
@report_errors
def pause(name: str, name_prefix: str) -> None:
    """Have a schedule start nothing until it is resumed; what has started goes on."""
    _change(name_prefix, name, State="DISABLED")


@schedules.command(epilog="Example: ndr-statemachines schedules resume customer-360")
@click.argument("name")
@_prefix
@report_errors
def resume(name: str, name_prefix: str) -> None:
    """Have a paused schedule start things again; the times that it missed are not made up for: see backfill."""
    _change(name_prefix, name, State="ENABLED")


@schedules.command("set", epilog="Example: ndr-statemachines schedules set customer-360 '30 3 * * ? *'")
@click.argument("name")
@click.argument("cron", type=ExpressionType())
@_prefix
@report_errors
def set_schedule(name: str, cron: str, name_prefix: str) -> None:
    """Change when a schedule runs, in its time zone; whether it runs stays as it is."""
    _change(name_prefix, name, ScheduleExpression=cron)


@command("start-project", epilog="Example: ndr-statemachines start-project demo/lake-aws/project.yaml")
@click.argument("project_file", type=click.Path(path_type=Path, dir_okay=False), metavar="PROJECT")
@environment_option
@report_errors
def start_project(project_file: Path, environment: str) -> None:
    """Take a project from the logs in its bucket to scored windows, and follow it to its end.

    PROJECT is its file; the environment must be deployed. Builds the windows that are missing, computes baselines,
    trains, scores the last day, and turns the project's schedules on. Again, it does what is missing or has grown
    since.
    """
    from common.aws.clients import client
    from statemachines.deploy.described import read_outputs
    from statemachines.deploy.parts import CONTROL_PLANE, FOUNDATION
    from statemachines.deploy.projects import deploy_project, message_of, read_project
    from statemachines.deploy.starts import MACHINE, follow, start

    project = read_project(project_file)
    name, states, prefix = project.project_name, client("stepfunctions"), prefix_of(environment)
    with activity(f"project {name}"):
        outputs = read_outputs(client("cloudformation"), f"{prefix}{FOUNDATION}", f"{prefix}{CONTROL_PLANE}")
        deploy_project(client("scheduler"), project, outputs)
    execution = start(states, f"{prefix}{MACHINE}", name, message_of(project))
    with activity(f"start of project {name}"):
        output = follow(states, execution, lambda work: message(f"{name}: {work}"))
    click.echo(json.dumps(output))


@command("rerun", epilog="Example: ndr-statemachines rerun customer-360 --job b --as-of 2026-03-10")
@click.argument("pipeline", type=PIPELINES)
@click.option("--job", type=click.Choice(["a", "b"]), required=True, help="Job: a cleans, b builds the snapshot.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), required=True, metavar="DATE", help="Day to run it for.")
@_accept_shrink
@_stack
@report_errors
def rerun(pipeline: str, job: str, as_of: datetime, accept_shrink: bool, stack: str) -> None:
    """Run one job for a day, and wait for its end."""
    from statemachines.deploy.customer_360 import rerun as run_job

    if accept_shrink and job == "a":
        raise click.UsageError("--accept-shrink is of job b.")
    with activity(f"job {job} of {pipeline}"):
        run_id = run_job(stack, job, as_of.date(), accept_shrink)
    click.echo(f"{pipeline}, job {job}, {as_of.date()}: SUCCEEDED, run {run_id}")


@command("backfill", epilog="Example: ndr-statemachines backfill customer-360 2026-03-01/2026-03-07")
@click.argument("pipeline", type=PIPELINES)
@click.argument("days", type=DaysType(), metavar="DATE[/DATE]")
@_accept_shrink
@environment_option
@report_errors
def backfill(pipeline: str, days: tuple[date, date], accept_shrink: bool, environment: str) -> None:
    """Run the machine for each day in order, the next only after success; prints a line of JSON for each."""
    from statemachines.definitions import CUSTOMER_360
    from statemachines.deploy.customer_360 import backfill as run_days

    with activity(f"days of {pipeline}"):
        for done in run_days(f"{prefix_of(environment)}{CUSTOMER_360}", *days, accept_shrink):
            click.echo(json.dumps({"day": str(done.day), "execution": done.execution, **done.output}))


def _change(prefix: str, name: str, **changes: str) -> None:
    """Changes a schedule, and says what it is then."""
    from common.aws.clients import client
    from statemachines.deploy.schedules import changed

    found = changed(client("scheduler"), prefix, name, **changes)
    click.echo(f"{found.name}: {found.state}, {found.cron}")
