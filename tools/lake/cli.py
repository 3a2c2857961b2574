"""Command line of lakes."""

from __future__ import annotations

import click

from common.runtime.cli import (
    lake_option,
    lake_spec_option,
    optional_window_option,
    parameters_option,
    project_name_option,
    report_errors,
)
from common.runtime.commands import group
from common.runtime.output import activity
from common.runtime.rows import format_option
from common.runtime.version import version_option
from common.windows import Windows

table_argument = click.argument("table")


@group(name="ndr-lake", epilog="Example: ndr-lake show --lake demo/lake")
@version_option
def main() -> None:
    """Show a lake and its tables, configure it, and migrate it to this release's format."""


@main.command(epilog="Example: ndr-lake info --lake demo/lake")
@lake_option
@report_errors
def info(lake_uri: str) -> None:
    """Print the lake's project, feature specification, parameters, format, and number of tables, as JSON.

    Of the parameters, their source, or those that differ from the defaults. Commands take them all from the lake.
    """
    with activity("loading"):
        from tools.lake import identity

    identity.info(lake_uri)


@main.command(epilog="Example: ndr-lake configure --lake demo/lake --parameters demo/lake/_demo/parameters.yaml")
@lake_option
@project_name_option
@parameters_option
@report_errors
def configure(lake_uri: str, project_name: str | None, parameters_path: str | None) -> None:
    """Change the lake's record: its parameters, or the name of its project.

    Prints, as JSON, what changed, and which tables were made with the former settings. Make these again: commands read
    them as they are. An option that is left out changes nothing.
    """
    with activity("loading"):
        from tools.lake import identity

    identity.configure(lake_uri, project_name, parameters_path)


@main.command(epilog="Example: ndr-lake show --lake demo/lake")
@lake_option
@lake_spec_option
@report_errors
def show(lake_uri: str, feature_spec_version: str | None) -> None:
    """Print format, tables, and the windows that are not whole or lack logs, as JSON."""
    with activity("loading"):
        from tools.lake import job

    job.show(lake_uri, feature_spec_version)


@main.command(epilog="Example: ndr-lake tables --lake demo/lake")
@lake_option
@format_option
@lake_spec_option
@report_errors
def tables(lake_uri: str, form: str, feature_spec_version: str | None) -> None:
    """List the tables: rows, files, bytes, version, last commit, the time they cover, partitions and grain."""
    with activity("loading"):
        from tools.lake import contents

    contents.print_tables(lake_uri, feature_spec_version, form)


@main.command(epilog="Example: ndr-lake schema fg_a --lake demo/lake")
@table_argument
@lake_option
@format_option
@lake_spec_option
@report_errors
def schema(table: str, lake_uri: str, form: str, feature_spec_version: str | None) -> None:
    """List the columns of a table: type, unit, meaning, and when they are null.

    Formats other than `table` also say which type a column has in Spark, DuckDB, Polars and pandas.
    """
    with activity("loading"):
        from tools.lake import contents

    contents.print_schema(lake_uri, feature_spec_version, table, form)


@main.command(epilog="Example: ndr-lake history fg_a --lake demo/lake")
@table_argument
@lake_option
@click.option("--last", type=click.IntRange(1), default=20, show_default=True, help="Number of commits.")
@format_option
@lake_spec_option
@report_errors
def history(table: str, lake_uri: str, last: int, form: str, feature_spec_version: str | None) -> None:
    """List the commits to a table, newest first: rows added and removed, and the command, release and run."""
    with activity("loading"):
        from tools.lake import contents

    contents.print_history(lake_uri, feature_spec_version, table, last, form)


@main.command(
    epilog="Example: ndr-lake sample delta_pair --lake demo/lake --where peer_port=443 --rows 3",
    groups={"Rows": ("rows", "columns", "host", "where")},
)
@table_argument
@lake_option
@optional_window_option("the newest")
@click.option("--rows", type=click.IntRange(1, 100_000), default=10, show_default=True, help="Number of rows.")
@click.option("--columns", metavar="NAME,...", default="", help="Columns, in this order.  [default: all]")
@click.option("--host", metavar="ADDRESS", help="Only rows about this address; of sessions, those from and to it.")
@click.option("--where", multiple=True, metavar="COLUMN=VALUE", help="Only rows with this value; can be repeated.")
@format_option
@lake_spec_option
@report_errors
def sample(
    table: str,
    lake_uri: str,
    windows: Windows | None,
    rows: int,
    columns: str,
    host: str | None,
    where: tuple[str, ...],
    form: str,
    feature_spec_version: str | None,
) -> None:
    """Print rows of a table in the order of its key, newest windows first.

    Only the files and columns that are needed are read. Without --window, at most the newest 96 windows are searched.
    """
    with activity("loading"):
        from tools.lake import contents
        from tools.lake.sampling import Wanted

    wanted = Wanted(rows, windows, tuple(filter(None, columns.split(","))), where, host)
    contents.print_sample(lake_uri, feature_spec_version, table, wanted, form)


@main.command(epilog="Example: ndr-lake migrate --lake demo/lake --dry-run", groups={"Migration": ("dry-run",)})
@lake_option
@lake_spec_option
@project_name_option
@parameters_option
@click.option("--dry-run", is_flag=True, help="Only print what would be done.")
@report_errors
def migrate(lake_uri: str, dry_run: bool, parameters_path: str | None, **names: str | None) -> None:
    """Bring a lake of an earlier format to this release's.

    Lakes before format 3 do not know their project and parameters. Give the parameters that the stages have been
    given. The project, if left out, is the one whose models or joined predictions the lake holds.

    Stop all stages first. The command can be interrupted and repeated: each table changes in one commit, and the
    lake has the new format once all of them have.
    """
    with activity("loading"):
        from tools.lake import job

    job.migrate(lake_uri, dry_run, parameters=parameters_path, **names)
