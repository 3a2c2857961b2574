"""Command line of ndr-local."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from common.display import lines_on_terminal, on_terminal
from common.runtime.cli import report_errors
from common.runtime.commands import group
from common.runtime.output import activity
from common.runtime.rows import FLAT, format_option, print_rows
from common.runtime.version import version_option
from localaws.cli.errors import LocalAwsError
from localaws.cli.ports import DEFAULT_PORT

if TYPE_CHECKING:
    from localaws.cli.process import LocalAws

home_option = click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".ndr-local"),
    show_default=True,
    envvar="NDR_LOCAL_HOME",
    help="Folder of the server's state, objects and logs.",
)


def running(home: Path) -> LocalAws:
    """The running local AWS of a home folder.

    Raises:
        LocalAwsError: it is not running.
    """
    from localaws.cli.process import LocalAws

    local = LocalAws.of(home)
    if local.pid() is None:
        raise LocalAwsError(f"the local AWS in {home} is not running", f"Start it with: ndr-local up --home {home}")
    return local


@group(name="ndr-local", epilog="Example: ndr-local up --home demo/lake-aws && ndr-local status --home demo/lake-aws")
@version_option
def main() -> None:
    """Run the whole control plane on this machine: AWS services, state machines and pipelines."""


@main.command(
    epilog="Example: ndr-local up --home demo/lake-aws --project demo/lake-aws/project.yaml --fused",
    groups={
        "Server": ("home", "port", "steps", "slots", "wait-scale", "mount", "roles"),
        "Deployment": ("project", "deploy", "fused", "set"),
    },
)
@home_option
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help=f"Port on 127.0.0.1.  [default: the last used, or {DEFAULT_PORT}, or the next one that is free]",
)
@click.option(
    "--project",
    "projects",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Project file: its parameters and routing are written to the tables; repeatable.",
)
@click.option("--set", "parameters", multiple=True, metavar="NAME=VALUE", help="Parameter of a stack; repeatable.")
@click.option(
    "--fused/--no-fused",
    default=None,
    help="Run a window in one job, or in six.  [default: as deployed before; else one]",
)
@click.option(
    "--steps", type=click.Choice(["process", "docker"]), help="Run steps as commands or as images.  [default: process]"
)
@click.option("--slots", type=click.IntRange(1), help="Number of parallel steps.  [default: one per core]")
@click.option("--wait-scale", type=click.FloatRange(0), help="Factor on the waits of state machines.  [default: 1]")
@click.option(
    "--mount", "mounts", multiple=True, metavar="FOLDER", help="Folder mounted into step containers; repeatable."
)
@click.option(
    "--roles/--no-roles",
    default=True,
    envvar="AUTH",
    help="Check what steps, jobs, tasks, functions, rules and schedules do against the role of each.  [default: check]",
)
@click.option("--deploy/--no-deploy", "deploys", default=True, help="Deploy the control plane.  [default: deploy]")
@report_errors
def up(
    home: Path,
    port: int | None,
    projects: tuple[Path, ...],
    parameters: tuple[str, ...],
    fused: bool | None,
    deploys: bool,
    **given: Any,
) -> None:
    """Start the local AWS unless it is running, and deploy stack, state machines, projects and pipelines."""
    with activity("loading"):
        from localaws.cli.deployment import deploy
        from localaws.cli.start import start

    local, started = start(home, port, _variables(**given))
    click.echo(f"{local.endpoint}: {'started' if started else 'already running'}, state in {home}")
    if not started and local.variables != _variables(None, None, None, (), roles=True):
        click.echo("--steps, --slots, --wait-scale, --mount and --roles take effect after ndr-local down", err=True)
    if deploys:
        deploy(local, projects, fused, parameters)


def _variables(
    steps: str | None, slots: int | None, wait_scale: float | None, mounts: tuple[str, ...], roles: bool
) -> dict[str, str]:
    given = {
        "NDR_STEPS": steps,
        "NDR_STEP_SLOTS": slots,
        "SFN_WAIT_SCALE": wait_scale,
        "NDR_STEP_MOUNTS": os.pathsep.join(mounts) or None,
        "AUTH": str(roles).lower(),
    }
    return {name: str(value) for name, value in given.items() if value is not None}


@main.command(epilog="Example: ndr-local down --home demo/lake-aws")
@home_option
@report_errors
def down(home: Path) -> None:
    """Stop running steps, save the state and stop the local AWS."""
    from localaws.cli.process import LocalAws

    local = LocalAws.of(home)
    click.echo(f"{local.endpoint}: {'stopped' if local.stop() else 'was not running'}")


@main.command(epilog="Example: ndr-local status --home demo/lake-aws")
@home_option
@report_errors
def status(home: Path) -> None:
    """Show whether the local AWS runs (exit code 0), what is deployed and which executions run."""
    from localaws.cli.histories import Histories
    from localaws.cli.process import LocalAws

    local = LocalAws.of(home)
    pid = local.pid()
    if pid is None:
        click.echo(f"{local.endpoint}: not running")
        sys.exit(1)
    histories = Histories(local)
    click.echo(f"{local.endpoint}: running, process {pid}, state in {home}")
    click.echo(f"pipelines: {', '.join(histories.pipelines()) or 'none'}")
    click.echo(f"state machines: {', '.join(sorted(histories.machines())) or 'none'}")
    for item in histories.executions(None, failed=False, last=10_000, details=False):
        if item.status == "RUNNING":
            click.echo(on_terminal(f"running: {item.machine} {item.name}, {item.seconds:.0f} s"))


@main.command(epilog="Example: ndr-local logs --home demo/lake-aws")
@home_option
@click.argument("execution", required=False)
@click.option("--step", metavar="NAME", help="Show only this step.")
@click.option("-f", "--follow", "follows", is_flag=True, help="Keep printing new output until interrupted.")
@report_errors
def logs(home: Path, execution: str | None, step: str | None, follows: bool) -> None:
    """Print the step logs of an execution, or the server's log.

    EXECUTION is the name or ARN of an execution of a state machine or pipeline, the id of a Glue job run, or the name
    of a function.
    """
    from localaws.cli.logs import follow, log_files
    from localaws.cli.process import LocalAws

    local = LocalAws.of(home)
    paths = log_files(local, execution, step)
    if follows:
        for text in follow(paths, lambda: local.pid() is not None):
            click.echo(lines_on_terminal(text), nl=False)
        return
    for path in paths:
        if len(paths) > 1:
            click.echo(f"==> {path.relative_to(local.home)} <==")
        click.echo(lines_on_terminal(path.read_text(errors="replace")), nl=False)


@main.command(epilog="Example: ndr-local executions --home demo/lake-aws --steps")
@home_option
@click.option("--machine", metavar="NAME", help="List only executions of this state machine.")
@click.option("--failed", is_flag=True, help="List only executions that failed, timed out or were stopped.")
@click.option("--steps", is_flag=True, help="List the steps of their pipelines, one row each.")
@click.option("--last", type=click.IntRange(1), default=50, show_default=True, help="Number of executions to list.")
@format_option
@report_errors
def executions(home: Path, machine: str | None, failed: bool, steps: bool, last: int, form: str) -> None:
    """List the executions of the state machines, newest first, and why they failed.

    JSON and NDJSON hold the pipelines of each execution and their steps, too.
    """
    from localaws.cli.histories import Histories
    from localaws.cli.rows import COLUMNS, execution_row, step_rows

    found = Histories(running(home)).executions(machine, failed, last, details=steps)
    if steps:
        print_rows((row for item in found for row in step_rows(item)), form)
    else:
        print_rows(map(execution_row, found), form, COLUMNS if form in FLAT else None)


@main.command(epilog="Example: ndr-local put --home demo/lake-aws demo/2026-03-10.ndjson")
@home_option
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False, exists=True), metavar="FILE..."
)
@click.option("--prefix", default="", metavar="TEXT", help="Prefix of the objects: all before the name of their file.")
@report_errors
def put(home: Path, files: tuple[Path, ...], prefix: str) -> None:
    """Upload files to the landing bucket, and show how ingestion goes on until all have ended.

    A file ends as completed, failed (exit code 1) or quarantined; one that is routed to the detection as scored, with
    its window, or not scored (exit code 1).
    """
    from localaws.cli.upload_display import shown
    from localaws.cli.uploads import FAILED, Landing

    landing = Landing(running(home))
    with activity("uploading"):
        uploads = [landing.put(path, prefix) for path in files]
    failed = False
    with shown(uploads) as show:
        for upload in landing.changes(uploads):
            show(upload)
            failed = failed or upload.state in FAILED
    sys.exit(1 if failed else 0)


@main.command(epilog="Example: ndr-local ui --home demo/lake-aws")
@home_option
@click.option("--project-name", metavar="NAME", help="Project whose cases are shown.  [default: the only one]")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port to serve on.  [default: a free one]")
@report_errors
def ui(home: Path, project_name: str | None, port: int) -> None:
    """Serve the page of a project's lake to this machine, with verdicts, until Ctrl-C: ndr-page --serve."""
    from common.runtime.programs import scripts_folder
    from localaws.cli.lakes import lake_of

    local = running(home)
    arguments = ["ndr-page", "--serve", "--lake", lake_of(local, project_name), "--port", str(port)]
    sys.stdout.flush()
    os.execve(scripts_folder() / "ndr-page", arguments, {**os.environ, **local.environment})


@main.command(epilog='Example: eval "$(ndr-local env --home demo/lake-aws)"')
@home_option
@report_errors
def env(home: Path) -> None:
    """Print shell commands that point AWS tools and SDKs to the local AWS."""
    from localaws.cli.process import LocalAws

    for name, value in LocalAws.of(home).environment.items():
        click.echo(f"export {name}={shlex.quote(value)}")


if __name__ == "__main__":
    main()
