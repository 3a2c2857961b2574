"""Command line of the job that builds a snapshot."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import click

from common.runtime.cli import report_errors
from common.runtime.engine import ENGINES
from common.runtime.glue import OF_GLUE, BucketType, GlueCommand, has_classic_spark
from common.runtime.parameter_types import UriType
from common.runtime.version import version_option
from jobs.c360_staging.config import StagingConfig

DAY = click.DateTime(["%Y-%m-%d"])


@click.command(
    "c360-staging",
    cls=GlueCommand,
    epilog="Example: c360-staging --clean c360/clean --staging c360/staging --as-of 2026-03-10",
)
@click.option("--clean", type=UriType(), metavar="URI", help="Zone to read: a path, file:// or s3:// URI.")
@click.option("--staging", type=UriType(), metavar="URI", help="Zone to publish the snapshot in.")
@click.option("--as-of", type=DAY, metavar="DATE", help="The last day whose files count, inclusive: 2026-03-10.")
@click.option(
    "--engine",
    "--ENGINE",
    "engine",
    type=click.Choice(ENGINES),
    help="Compute engine.  [default: sail; spark in a Glue job that has it]",
)
@click.option(
    "--accept-shrink", is_flag=True, help="Publish even if there are far fewer customers or plans than before."
)
@click.option("--force", is_flag=True, help="Build the snapshot again if it is the published one.")
@click.option("--CLEAN_URI", "clean_uri", type=BucketType(), hidden=True)
@click.option("--STAGING_URI", "staging_uri", type=BucketType(), hidden=True)
@click.option("--AS_OF", "as_of_day", type=DAY, hidden=True)
@click.option("--ACCEPT_SHRINK", "accept_this", type=bool, default=False, hidden=True)
@click.option("--FORCE", "force_this", type=bool, default=False, hidden=True)
@click.option(OF_GLUE, "job_name", hidden=True)
@version_option
@report_errors
def main(**options: Any) -> None:
    """Publish a snapshot as of a day: the latest customers and plans, plan history, and events with their plan.

    As a Glue job, it has CLEAN_URI, STAGING_URI, AS_OF, ENGINE, ACCEPT_SHRINK (true or false) and FORCE for these
    options.
    """
    from jobs.c360_staging.job import run

    in_glue = options["job_name"] is not None
    run(
        StagingConfig(
            _given(options, "clean", "clean_uri"),
            _given(options, "staging", "staging_uri"),
            _day(_given(options, "as_of", "as_of_day")),
            options["engine"] or ("spark" if in_glue and has_classic_spark() else "sail"),
            in_glue,
            options["accept_shrink"] or options["accept_this"],
            options["force"] or options["force_this"],
        )
    )


def _given(options: dict[str, Any], name: str, in_glue: str) -> Any:
    """The value of an option, or of Glue's argument in its place.

    Raises:
        UsageError: there is none.
    """
    value = options[name] or options[in_glue]
    if not value:
        option, argument = name.replace("_", "-"), in_glue.removesuffix("_day").upper()
        raise click.UsageError(f"Missing option '--{option}' (in a Glue job, '--{argument}').")
    return value


def _day(value: datetime) -> date:
    return value.date()
