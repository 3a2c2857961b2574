"""Command line of the delta stage."""

from __future__ import annotations

from typing import Any

import click

from common.logs import FORMATS
from common.runtime.cli import Command, report_errors, stage_options
from common.runtime.context import run_stage
from common.runtime.version import version_option
from jobs.delta.config import DeltaConfig
from jobs.delta.job import run


def log_options(function: Command) -> Command:
    """Adds the options that say which logs to read, and how."""
    for option in (
        click.option(
            "--max-rejected-ratio",
            type=click.FloatRange(0, 1),
            metavar="SHARE",
            help="Share of rejected records, inclusive, above which the run fails. Default: from the project "
            "parameters.",
        ),
        click.option(
            "--log-time-zone",
            metavar="ZONE",
            help="Zone of times without one: IANA name or offset. Default: from the project parameters, else UTC.",
        ),
        click.option("--format", "log_format", type=click.Choice(FORMATS), help="Log format; detected without it."),
        click.option(
            "--input",
            "inputs",
            multiple=True,
            required=True,
            metavar="PATH",
            help="Log file, folder or glob, or s3://; repeatable, or absolute ones separated by commas. @FILE: a file "
            "of them, one a line.",
        ),
    ):
        function = option(function)
    return function


@click.command(
    name="ndr-delta",
    epilog="Example: ndr-delta --window 2026-03-10T13:08Z --input ./logs --lake ./lake",
)
@log_options
@stage_options
@version_option
@report_errors
def main(inputs: tuple[str, ...], **options: Any) -> None:
    """Host and pair slices of 15 minutes from firewall logs.

    With one window, the input is that window's mini-batch; with a range, each session goes to the window in which it
    ends.
    """
    run_stage("ndr-delta", DeltaConfig(inputs=inputs, **options), run)
