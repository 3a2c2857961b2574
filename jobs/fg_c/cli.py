"""Command line of the deviation stage."""

from __future__ import annotations

from typing import Any

import click

from common.runtime.cli import Command, report_errors, stage_options
from common.runtime.commands import command
from common.runtime.context import run_stage
from common.runtime.parameter_types import MonthType
from common.runtime.plain_arrow import without_pandas
from common.runtime.version import version_option
from jobs.fg_c.config import DeviationConfig


def baseline_month_option(function: Command) -> Command:
    """Adds `--baseline-month`."""
    return click.option(
        "--baseline-month",
        type=MonthType(automatic=True),
        metavar="YYYY-MM|auto",
        default="auto",
        show_default=True,
        help="Month of the baselines; auto: for each window the month in which it starts, or else the latest published "
        "month before it.",
    )(function)


@command(name="ndr-fg-c", epilog="Example: ndr-fg-c --window 2026-03-10T13:08Z --lake demo/lake")
@baseline_month_option
@stage_options
@version_option
@report_errors
def main(**options: Any) -> None:
    """Compute how far each host deviates from its baselines in each window, from fg_a, fg_b and pair_counts."""
    without_pandas()
    from common.runtime.lake_project import with_lake_project
    from jobs.fg_c.job import run

    run_stage("ndr-fg-c", DeviationConfig(**with_lake_project(options)), run)
