"""Command line of the local AWS."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from common.cli import report_errors
from statemachines.definitions import MACHINES
from statemachines.local.deployment import deploy
from statemachines.local.errors import LocalAwsError
from statemachines.local.executions import Execution, executions
from statemachines.local.process import LocalAws

Command = Callable[..., Any]
FOLLOW_SECONDS = 0.3


def home_option(function: Command) -> Command:
    """Adds `--home`."""
    return click.option(
        "--home",
        type=click.Path(path_type=Path, file_okay=False, resolve_path=True),
        default=Path(".ndr-local"),
        show_default=True,
        help="Folder of its state and logs.",
    )(function)


@click.group(name="ndr-local", epilog="Example: ndr-local up --project project.yaml")
def main() -> None:
    """The local AWS: the same state machines and pipelines as on AWS, on 127.0.0.1."""


@main.command(epilog="Example: ndr-local up --project project.yaml")
@home_option
@click.option("--port", type=click.IntRange(1024, 65535), default=4566, show_default=True, help="Port on 127.0.0.1.")
@click.option(
    "--project",
    "projects",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Project file whose parameters and routing are put into the tables; repeatable.",
)
@click.option(
    "--fused/--no-fused", default=True, show_default=True, help="Run the 15-minute stages as one step, or as four."
)
@click.option("--wait-scale", type=click.FloatRange(0, 1), default=0.25, show_default=True, help="Share of each wait.")
@report_errors
def up(home: Path, port: int, projects: tuple[Path, ...], fused: bool, wait_scale: float) -> None:
    """Starts it, unless it is up, and deploys everything that AWS would have, with the code that deploys to AWS."""
    local = LocalAws(home, port, variables={"SFN_WAIT_SCALE": str(wait_scale)})
    if (home / "server.json").exists() and (running := LocalAws.of(home)).pid() is not None:
        local = running
    state = "started" if local.start() else "already up"
    click.echo(f"local AWS: {state} at {local.endpoint}, files in {home}")
    deploy(local, projects, fused)


@main.command(epilog="Example: ndr-local down")
@home_option
@report_errors
def down(home: Path) -> None:
    """Stops it: running steps end, and its state is kept for the next time."""
    stopped = LocalAws.of(home).stop()
    click.echo("local AWS: stopped" if stopped else "local AWS: was not up")


@main.command(epilog='Example: eval "$(ndr-local env)"')
@home_option
@report_errors
def env(home: Path) -> None:
    """Prints the variables that lead AWS tools and SDKs to it."""
    for name, value in LocalAws.of(home).environment.items():
        click.echo(f"export {name}={value}")


@main.command(epilog="Example: ndr-local status")
@home_option
@report_errors
def status(home: Path) -> None:
    """Says whether it is up, what is deployed, and what is running; exit code 1 when it is down."""
    local = _running(home)
    states, sagemaker = local.client("stepfunctions"), local.client("sagemaker")
    machines = [entry["name"] for entry in states.list_state_machines()["stateMachines"]]
    pipelines = [entry["PipelineName"] for entry in sagemaker.list_pipelines(MaxResults=100)["PipelineSummaries"]]
    click.echo(f"local AWS: up at {local.endpoint} (process {local.pid()}), files in {home}")
    click.echo(f"state machines: {', '.join(sorted(machines)) or 'none'}")
    click.echo(f"pipelines: {', '.join(sorted(pipelines)) or 'none'}")
    running = [entry for entry in executions(local, None, False, False) if entry.status == "RUNNING"]
    click.echo(f"running executions: {len(running)}")
    for entry in running:
        click.echo(f"  {entry.machine} {entry.name}, {entry.seconds:.0f} s")


@main.command(name="executions", epilog="Example: ndr-local executions --failed --steps")
@home_option
@click.option("--machine", type=click.Choice(sorted(MACHINES)), help="One state machine; without it, all.")
@click.option("--failed", is_flag=True, help="Only those that failed, with the reason.")
@click.option("--steps", is_flag=True, help="Also the steps of the pipelines that they started.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@report_errors
def executions_command(home: Path, machine: str | None, failed: bool, steps: bool, as_json: bool) -> None:
    """Shows what ran, for how long, and why something failed; the newest last."""
    found = executions(_running(home), machine, failed, steps)
    for entry in found:
        click.echo(json.dumps(asdict(entry), default=str) if as_json else _line(entry))
    if not found and not as_json:
        click.echo("no executions")


@main.command(epilog="Example: ndr-local logs --follow")
@home_option
@click.argument("step", required=False, metavar="[PIPELINE/EXECUTION/STEP.log]")
@click.option("-f", "--follow", is_flag=True, help="Go on printing what is added.")
@report_errors
def logs(home: Path, step: str | None, follow: bool) -> None:
    """Prints the log of a step, as `executions --steps` names it, or that of the server."""
    path = home / "logs" / step if step else LocalAws.of(home).log_path
    if not path.is_file():
        known = sorted(str(found.relative_to(home / "logs")) for found in (home / "logs").rglob("*.log"))
        raise LocalAwsError(f"there is no log {path}", f"Logs: {', '.join(known[-5:]) or 'none yet'}")
    with path.open(encoding="utf-8", errors="replace") as stream:
        while True:
            click.echo(stream.read(), nl=False)
            if not follow:
                return
            time.sleep(FOLLOW_SECONDS)


def _running(home: Path) -> LocalAws:
    local = LocalAws.of(home)
    if local.pid() is None:
        raise LocalAwsError(f"the local AWS of {home} is down", f"Start it with: ndr-local up --home {home}")
    return local


def _line(entry: Execution) -> str:
    machine = entry.machine.removeprefix("sfn_ndr_")
    text = (
        f"{entry.started:%Y-%m-%d %H:%M:%S}  {machine:<23} {entry.status:<9} {entry.seconds:7.1f} s  {entry.name[:36]}"
    )
    if entry.reason:
        text += f"\n    {entry.reason}"
    for step in entry.steps:
        seconds = "" if step.seconds is None else f"{step.seconds:7.1f} s"
        text += f"\n    {step.pipeline:<34} {step.name:<30} {step.status:<9} {seconds:>9}  {step.log}"
        if step.reason:
            text += f"\n        {step.reason}"
    return text
