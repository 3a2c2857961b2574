"""Command line of the baseline stage."""

from __future__ import annotations

from typing import Any

import click

from common.runtime.cli import engine_option, lake_option, project_options, report_errors
from common.runtime.commands import command
from common.runtime.context import run_stage
from common.runtime.parameter_types import MomentType, MonthType
from common.runtime.version import version_option


@command(
    name="ndr-fg-b", epilog="Example: ndr-fg-b --month 2026-03 --reference-time 2026-03-10T00:08Z --lake demo/lake"
)
@click.option(
    "--month",
    type=MonthType(),
    required=True,
    metavar="YYYY-MM",
    help="Month that the baselines are for.",
)
@click.option(
    "--reference-time",
    "reference",
    type=MomentType(),
    metavar="TIME",
    help="Time with a zone, exclusive, at which the data of the baselines ends; before it, each horizon leaves out "
    "its safety gap.  [default: start of the month, UTC]",
)
@lake_option
@engine_option
@project_options
@version_option
@report_errors
def main(**options: Any) -> None:
    """Compute monthly baselines of hosts, segments and pairs for each horizon, from fg_a and pair_counts."""
    from common.runtime.lake_project import with_lake_project
    from jobs.fg_b.config import BaselineConfig
    from jobs.fg_b.job import run

    run_stage("ndr-fg-b", BaselineConfig.from_options(**with_lake_project(options)), run)
