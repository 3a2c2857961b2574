"""Command line of lakes."""

from __future__ import annotations

import click

from common.runtime.cli import (
    lake_option,
    lake_spec_option,
    parameters_option,
    project_name_option,
    report_errors,
)
from common.runtime.commands import group
from common.runtime.version import version_option
from tools.lake import identity, job


@group(name="ndr-lake", epilog="Example: ndr-lake show --lake ./lake")
@version_option
def main() -> None:
    """Show what a lake is and the state it is in, configure it, and migrate it to this release's format."""


@main.command(epilog="Example: ndr-lake info --lake ./lake")
@lake_option
@report_errors
def info(lake_uri: str) -> None:
    """Print the lake's project, feature specification, parameters, format, and number of tables, as JSON.

    Of the parameters, their source, or those that differ from the defaults. Commands take them all from the lake.
    """
    identity.info(lake_uri)


@main.command(epilog="Example: ndr-lake configure --lake ./lake --parameters ./project.yaml")
@lake_option
@project_name_option
@parameters_option
@report_errors
def configure(lake_uri: str, project_name: str | None, parameters_path: str | None) -> None:
    """Change the lake's record: its parameters, or the name of its project.

    Prints, as JSON, what changed, and which tables were made with the former settings. Make these again: commands read
    them as they are. An option that is left out changes nothing.
    """
    identity.configure(lake_uri, project_name, parameters_path)


@main.command(epilog="Example: ndr-lake show --lake ./lake")
@lake_option
@lake_spec_option
@report_errors
def show(lake_uri: str, feature_spec_version: str | None) -> None:
    """Print format, tables, and the windows that are not whole or lack logs, as JSON."""
    job.show(lake_uri, feature_spec_version)


@main.command(epilog="Example: ndr-lake migrate --lake ./lake --dry-run")
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
    job.migrate(lake_uri, dry_run, parameters=parameters_path, **names)
