"""Command line of the job that types and normalises the rows of the archive."""

from __future__ import annotations

from datetime import date
from typing import Any

import click

from common.runtime.cli import report_errors
from common.runtime.glue import GlueCommand, chosen_driver, driver_options
from common.runtime.parameter_types import DaysType, UriType
from common.runtime.version import version_option
from jobs.c360_clean.config import CleaningConfig


@click.command(
    "c360-clean",
    cls=GlueCommand,
    epilog="Example: c360-clean --archive demo/c360/archive --clean demo/c360/clean --load-date 2025-01-02",
    groups={
        "Input": ("archive", "load-date", "late-days", "max-rejected-ratio"),
        "Output": ("clean",),
        "Engine": ("driver", "processes"),
    },
)
@click.option(
    "--archive",
    "--ARCHIVE",
    "archive_uri",
    type=UriType(),
    required=True,
    metavar="URI",
    help="Folder of the zone archive: a path, file:// or s3:// URI.",
)
@click.option(
    "--clean",
    "--CLEAN",
    "clean_uri",
    type=UriType(),
    required=True,
    metavar="URI",
    help="Folder of the zone clean, to write to.",
)
@click.option(
    "--load-date",
    "--LOAD_DATE",
    "days",
    type=DaysType(),
    required=True,
    metavar="DATE[/DATE]",
    help="Business date whose files are cleaned, or the first and the last one.",
)
@click.option(
    "--late-days",
    "--LATE_DAYS",
    "late_days",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Days before, at least 0, that are cleaned too where files came late.",
)
@click.option(
    "--max-rejected-ratio",
    "--MAX_REJECTED_RATIO",
    "max_rejected_ratio",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    default=0.05,
    show_default=True,
    help="Greatest share of the rows of a dataset's day that may be rejected, inclusive; with more, the job fails.",
)
@driver_options
@version_option
@report_errors
def main(days: tuple[date, date], driver: str, processes: int | None, job_name: str | None, **options: Any) -> None:
    """Write the rows of a day's files of the archive as Parquet with types, and apart those that are none.

    As a Glue job, it has ARCHIVE, CLEAN, LOAD_DATE, LATE_DAYS and MAX_REJECTED_RATIO for these options.
    """
    from jobs.c360_clean.job import run

    at_once, on_spark = chosen_driver(driver, processes, job_name)
    run(CleaningConfig(first=days[0], last=days[1], processes=at_once, on_spark=on_spark, **options))
