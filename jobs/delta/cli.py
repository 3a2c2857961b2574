"""Command line of the delta stage."""

from __future__ import annotations

from typing import Any

import click

from common.runtime.cli import Command, report_errors, stage_options
from common.runtime.commands import command
from common.runtime.context import run_stage
from common.runtime.log_formats import LOG_FORMATS
from common.runtime.parameter_types import PlaceType
from common.runtime.plain_arrow import without_pandas
from common.runtime.version import version_option
from jobs.delta.config import DeltaConfig


def log_options(function: Command) -> Command:
    """Adds the options that select the logs and how to read them."""
    for option in (
        click.option(
            "--max-rejected-ratio",
            type=click.FloatRange(0, 1),
            metavar="SHARE",
            help="Largest share of rejected records, 0 to 1; the run fails above it.  [default: from the project "
            "parameters]",
        ),
        click.option(
            "--log-time-zone",
            metavar="ZONE",
            help="Zone of log times without one: IANA name or offset (+02:00).  [default: from the project parameters]",
        ),
        click.option("--log-format", type=click.Choice(LOG_FORMATS), help="Log format.  [default: detected per file]"),
        click.option(
            "--input",
            "inputs",
            type=PlaceType(),
            multiple=True,
            required=True,
            metavar="PATH",
            help="Log file, folder, glob or s3:// URI; repeat the option, separate absolute paths by commas, or give "
            "@FILE with one per line, or with WINDOW<TAB>INPUT.",
        ),
    ):
        function = option(function)
    return function


@command(
    name="ndr-delta",
    epilog="Example: ndr-delta --window 2026-03-10T13:08Z --input "
    "demo/scenario/fw_paloalto/acme/hq/2026/03/10/86156034ff0d1920 --lake demo/lake",
)
@log_options
@stage_options
@version_option
@report_errors
def main(inputs: tuple[str, ...], **options: Any) -> None:
    """Make 15-minute host and pair slices from firewall logs.

    For a single window, the input is its mini-batch. For a range, sessions count in the window of their batch folder,
    or without one in the window in which they end; a window given in @FILE goes before both. A record counts in one
    window, however often it is delivered.
    """
    without_pandas()
    from common.runtime.lake_project import with_lake_project
    from jobs.delta.job import run

    run_stage("ndr-delta", DeltaConfig(inputs=inputs, **with_lake_project(options)), run)
