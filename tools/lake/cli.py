"""Command line of lakes."""

from __future__ import annotations

import click

from common.runtime.cli import feature_spec_option, lake_option, report_errors
from common.runtime.verbosity import verbosity_options
from common.runtime.version import version_option
from tools.lake import job


@click.group(name="ndr-lake", epilog="Example: ndr-lake show --lake ./lake")
@version_option
def main() -> None:
    """Show the state of a lake, and migrate it to this release's format."""


@main.command(epilog="Example: ndr-lake show --lake ./lake")
@lake_option
@feature_spec_option
@verbosity_options
@report_errors
def show(lake_uri: str, feature_spec_version: str) -> None:
    """Print format, tables, and the windows that are not whole or lack logs, as JSON."""
    job.show(lake_uri, feature_spec_version)


@main.command(epilog="Example: ndr-lake migrate --lake ./lake --dry-run")
@lake_option
@feature_spec_option
@click.option("--dry-run", is_flag=True, help="Only print what would be done.")
@verbosity_options
@report_errors
def migrate(lake_uri: str, feature_spec_version: str, dry_run: bool) -> None:
    """Bring the tables of a lake of the format before to this release's.

    Stop all stages first. The command can be interrupted and repeated: each table changes in one commit, and the
    lake has the new format once all of them have.
    """
    job.migrate(lake_uri, feature_spec_version, dry_run)
