"""Command line of mini-batches."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from common.display import on_terminal
from common.errors import InputError
from common.runtime.cli import Command, feature_spec_option, report_errors, window_option
from common.runtime.commands import group
from common.runtime.environments import environment_option, stack_option
from common.runtime.output import activity
from common.runtime.rows import format_option, print_rows
from common.runtime.version import version_option
from common.windows import Windows
from tools.batches.terms import STATES

if TYPE_CHECKING:
    from tools.batches.states import Batch, Tables

COLUMNS = ("window", "state", "event_ts", "path", "reason")


@group(
    name="ndr-batches",
    epilog="Example: ndr-batches list --window 2026-03-10T22:08Z/2026-03-11T00:08Z --project-name demo",
)
@version_option
def main() -> None:
    """List the mini-batches that the 15-minute state machine received, send them again, remove them.

    Set AWS_ENDPOINT_URL to use a server other than AWS.
    """


def batch_options(function: Command) -> Command:
    """Adds the options that say where the mini-batches are recorded, and of which windows they are."""
    for option in (
        stack_option("ndr-foundation", "the foundation"),
        partial(environment_option, shown=False),
        feature_spec_option,
        click.option(
            "--project-name", metavar="NAME", help="Name of the project.  [default: the only one that is deployed]"
        ),
        window_option,
    ):
        function = option(function)
    return function


state_option = click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(list(STATES)),
    help="Only mini-batches in this state; repeat the option for others.",
)


@main.command(
    name="list",
    epilog="Example: ndr-batches list --window 2026-03-10T22:08Z/2026-03-11T00:08Z --project-name demo "
    "--state set-aside --state failed",
    groups={"Deployment": ("state",)},
)
@batch_options
@state_option
@format_option
@report_errors
def list_batches(states: Sequence[str], form: str, **options: Any) -> None:
    """Print the mini-batches of the windows with their state, the time of their event, and the reason."""
    found = _chosen(_found(_tables(options), options["windows"]), states, ())
    print_rows(map(_described, found), form, COLUMNS)


@main.command(epilog="Example: ndr-batches retry --window 2026-03-10T22:08Z/2026-03-11T00:08Z --project-name demo")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@batch_options
@state_option
@report_errors
def retry(paths: Sequence[str], states: Sequence[str], **options: Any) -> None:
    """Send the events of mini-batches again, given by their folders or their state.

    What was set aside takes part in its window again.
    """
    from tools.batches import changes

    tables, outputs = _tables(options), _outputs(options)
    for batch in _named(tables, options["windows"], states or (() if paths else changes.RETRIED), paths):
        changes.retry(tables, outputs["EventBusName"], batch)
        click.echo(on_terminal(f"{batch.path}: sent again"))


@main.command(
    epilog="Example: ndr-batches remove --window 2026-03-10T22:08Z --project-name demo "
    "s3://ndr-ingestion/acme/hq/2026/03/10/0f3a"
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@batch_options
@report_errors
def remove(paths: Sequence[str], **options: Any) -> None:
    """Remove mini-batches that are in no table from the index; their files stay in the bucket."""
    from tools.batches import changes

    tables = _tables(options)
    for batch in _named(tables, options["windows"], (), paths):
        changes.remove(tables, batch)
        click.echo(on_terminal(f"{batch.path}: removed"))


def _outputs(options: dict[str, Any]) -> dict[str, str]:
    from common.aws.clients import client
    from statemachines.deploy.described import read_outputs

    return read_outputs(client("cloudformation"), options["stack"])


def _tables(options: dict[str, Any]) -> Tables:
    with activity("loading"):
        from tools.batches.states import Tables

        outputs = _outputs(options)
    tables = (outputs["BatchIndexTable"], outputs["ProcessingLockTable"])
    project_name = options["project_name"] or _only_project(outputs["ProjectParametersTable"])
    return Tables(*tables, project_name, options["feature_spec_version"])


def _only_project(table: str) -> str:
    from common.config.dynamodb import project_names

    names = project_names(table)
    if not names:
        raise InputError(f"table {table} has no project", "Deploy one with ndr-statemachines deploy --project")
    if len(names) > 1:
        raise InputError(f"table {table} has the projects {', '.join(names)}", "Name one with --project-name")
    return names[0]


def _named(tables: Tables, windows: Windows, states: Sequence[str], paths: Sequence[str]) -> list[Batch]:
    """The mini-batches to change, all found before the first is changed."""
    wanted = {path.rstrip("/") for path in paths}
    found = _chosen(_found(tables, windows), states, wanted)
    if missing := sorted(wanted - {batch.path for batch in found}):
        raise InputError(
            f"{on_terminal(missing[0])} is not recorded for {windows}", "Look at ndr-batches list, and give its window"
        )
    return found


def _found(tables: Tables, windows: Windows) -> list[Batch]:
    with activity("finding the mini-batches"):
        from tools.batches.states import find_batches

        return find_batches(tables, windows)


def _chosen(batches: Sequence[Batch], states: Sequence[str], paths: Sequence[str] | set[str]) -> list[Batch]:
    return [batch for batch in batches if (not states or batch.state in states) and (not paths or batch.path in paths)]


def _described(batch: Batch) -> dict[str, str]:
    return {
        "window": str(batch.window),
        "state": batch.state,
        "event_ts": batch.event_ts,
        "path": batch.path,
        "reason": batch.reason,
    }
