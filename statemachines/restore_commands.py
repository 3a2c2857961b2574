"""Commands that bring back what was lost: items of tables, objects of buckets."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from common.display import counted
from common.runtime.cli import Command, report_errors
from common.runtime.commands import group
from common.runtime.environments import environment_option, in_environment
from common.runtime.output import activity
from common.windows import iso_seconds


class MomentType(click.ParamType[datetime]):
    """A time with a zone, like `2026-03-10T13:08Z`."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The time; fails with a usage error that names the value."""
        from common.errors import WindowError
        from common.windows import parse_moment

        try:
            return value if isinstance(value, datetime) else parse_moment(str(value))
        except WindowError as error:
            self.fail(str(error), param, ctx)


def _apply(function: Command) -> Command:
    return click.option("--apply", "is_applied", is_flag=True, help="Do it; without, it is only said what would be.")(
        function
    )


@group("restore", epilog="Example: ndr-statemachines restore table project_parameters --to 2026-03-10T13:08Z")
def restore() -> None:
    """Bring back what was lost; say first what would be."""


@restore.command(
    epilog="Example: ndr-statemachines restore table project_parameters --environment dev --to 2026-03-10T13:08Z"
)
@environment_option
@click.argument("table", callback=in_environment, metavar="TABLE")
@click.option(
    "--to",
    "moment",
    type=MomentType(),
    required=True,
    metavar="TIME",
    help="When the table was right: a time with a zone.",
)
@_apply
@report_errors
def table(environment: str, table: str, moment: datetime, is_applied: bool) -> None:
    """Make a table what it was at a time, under its own name.

    AWS makes a copy of that time, under another name; items that differ are put back, and later ones removed. Pause
    what writes to the table before. Interrupted, the same command does the rest.
    """
    from statemachines.deploy import restore as deployed

    with activity(f"the table of {iso_seconds(moment)}"):
        copy = deployed.copied_as_of(table, moment)
        planned = deployed.plan(table, copy)
    would = "" if is_applied else "would be "
    with activity("items"):
        (deployed.apply if is_applied else lambda planned: deployed.discard(planned.copy))(planned)
    click.echo(
        f"{table} as of {iso_seconds(moment)}: {counted(len(planned.put), 'item')} {would}put back, "
        f"{len(planned.deleted)} {would}removed, {planned.unchanged} unchanged"
    )


@restore.command(
    epilog="Example: ndr-statemachines restore objects dev-ndr-landing-000000000000-us-east-1 2026/03/ "
    "--deleted-since 2026-03-10T13:08Z"
)
@click.argument("bucket", metavar="BUCKET")
@click.argument("prefix", metavar="PREFIX")
@click.option(
    "--deleted-since",
    "since",
    type=MomentType(),
    required=True,
    metavar="TIME",
    help="Objects deleted earlier stay so.",
)
@_apply
@report_errors
def objects(bucket: str, prefix: str, since: datetime, is_applied: bool) -> None:
    """Bring back objects of a bucket with versions that were deleted, as they were before."""
    from statemachines.deploy.restore import deleted_objects, undelete

    found = deleted_objects(bucket, prefix, since)
    if is_applied:
        undelete(bucket, found)
    for one in found:
        click.echo(f"{one.key}: {'restored' if is_applied else 'would be restored'}, deleted {iso_seconds(one.moment)}")
    click.echo(f"{bucket}: {counted(len(found), 'object')} {'' if is_applied else 'would be '}restored")
