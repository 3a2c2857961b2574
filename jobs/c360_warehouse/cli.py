"""Command line of the warehouse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from common.runtime.cli import Command, report_errors
from common.runtime.commands import group
from common.runtime.output import activity
from common.runtime.parameter_types import PlaceType, UriType
from common.runtime.rows import default_form, print_rows
from common.runtime.version import version_option
from jobs.c360_warehouse.config import Deployment, LoadConfig

EXAMPLE_STAGING = "s3://example-c360/staging"
EXAMPLE_ROLE = "arn:aws:iam::123456789012:role/c360-snowflake"


@group(name="c360-warehouse", epilog="Example: c360-warehouse run --staging c360/staging --database c360/warehouse")
@version_option
def main() -> None:
    """Load snapshots of Customer 360 into the warehouse: Snowflake by its scripts, or a local database."""


def database_option(function: Command) -> Command:
    """Adds `--database`."""
    return click.option(
        "--database",
        type=click.Path(file_okay=False, path_type=Path),
        required=True,
        metavar="DIR",
        help="Folder of the local database.",
    )(function)


def share_option(function: Command) -> Command:
    """Adds `--least-resolved-share`."""
    return click.option(
        "--least-resolved-share",
        type=click.FloatRange(0, 1),
        metavar="SHARE",
        default=0.95,
        show_default=True,
        help="Least share of events that must have a customer and a plan, inclusive; with less, a load fails.",
    )(function)


@main.command(epilog="Example: c360-warehouse run --staging c360/staging --database c360/warehouse")
@click.option(
    "--staging",
    "staging_uri",
    type=UriType(),
    required=True,
    metavar="URI",
    help="Zone staging: its manifest is loaded.",
)
@database_option
@click.option("--reload", is_flag=True, help="Load the snapshot again if it is the last one loaded.")
@share_option
@report_errors
def run(**options: Any) -> None:
    """Load the published snapshot into a local database, unless it is the last one loaded.

    If a check fails, the warehouse stays as it was, and the table load_log says why.
    """
    from jobs.c360_warehouse import job

    job.run(LoadConfig(**options))


@main.command(
    epilog="Example: c360-warehouse render --out scripts --staging s3://lake/staging "
    "--aws-role-arn arn:aws:iam::123456789012:role/c360",
    groups={
        "Output": ("out",),
        "AWS": ("staging", "aws-role-arn"),
        "Snowflake": ("database", "schema", "warehouse", "integration", "loader-role", "reader-role"),
        "Load": ("cron", "least-resolved-share"),
    },
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    metavar="DIR",
    help="Folder of the scripts.",
)
@click.option(
    "--staging", default=EXAMPLE_STAGING, show_default=True, metavar="URI", help="Zone staging, an s3:// URI."
)
@click.option(
    "--aws-role-arn",
    default=EXAMPLE_ROLE,
    show_default=True,
    metavar="ARN",
    help="Role that Snowflake takes on to read it.",
)
@click.option("--database", default="C360", show_default=True, metavar="NAME", help="Database.")
@click.option("--schema", default="WAREHOUSE", show_default=True, metavar="NAME", help="Schema of the tables.")
@click.option("--warehouse", default="C360_LOAD", show_default=True, metavar="NAME", help="What computes the loads.")
@click.option("--integration", default="C360_STAGING", show_default=True, metavar="NAME", help="Storage integration.")
@click.option("--loader-role", default="C360_LOADER", show_default=True, metavar="NAME", help="Owner of the tables.")
@click.option("--reader-role", default="C360_READER", show_default=True, metavar="NAME", help="Reader of the tables.")
@click.option(
    "--cron", default="30 4 * * * UTC", show_default=True, metavar="CRON", help="When a load starts, with a time zone."
)
@share_option
@report_errors
def render(out: Path, **options: Any) -> None:
    """Write the scripts that deploy the warehouse to Snowflake, and print their paths in the order to run them."""
    from common.storage.files import Folder
    from common.storage.filesystems import normal_uri
    from jobs.c360_warehouse.render import scripts

    deployment = Deployment(**options | {"staging": options["staging"].rstrip("/")})
    folder = Folder(normal_uri(str(out)))
    for name, text in scripts(deployment).items():
        folder.write(name, text.encode())
        click.echo(str(out / name))
    for option, value in (("--staging", EXAMPLE_STAGING), ("--aws-role-arn", EXAMPLE_ROLE)):
        if value in deployment.values.values():
            click.echo(f"warning: {value} is an example: give {option}", err=True)


@main.command(
    epilog="Example: c360-warehouse query --database c360/warehouse --json 'SELECT COUNT(*) FROM fact_activity'"
)
@click.argument("sql")
@database_option
@click.option(
    "--json", "as_json", is_flag=True, help="Print a JSON array of objects.  [default: a table on a terminal]"
)
@report_errors
def query(sql: str, database: Path, as_json: bool) -> None:
    """Print the rows of a query of the local database, in Snowflake's SQL; nothing can be changed."""
    with activity("querying"):
        from jobs.c360_warehouse.database import opened

        with opened(database, read_only=True) as warehouse:
            rows = warehouse.execute(sql)
    print_rows(rows, "json" if as_json else default_form())


@main.command(
    "export-ranges", epilog="Example: c360-warehouse export-ranges --database c360/warehouse --out c360/ranges.csv"
)
@database_option
@click.option(
    "--out",
    type=PlaceType(),
    required=True,
    metavar="FILE",
    help="File to write, .csv or .parquet: a path or s3:// URI.",
)
@report_errors
def export_ranges(database: Path, out: str) -> None:
    """Write the address ranges of current customers: ip_range, customer_id, plan_id, region; print their number."""
    with activity("exporting"):
        from jobs.c360_warehouse.ranges import export

        rows = export(database, out)
    click.echo(f"ranges written: {rows}")
