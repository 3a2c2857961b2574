"""Command line of the job that builds a snapshot."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from common.runtime.cli import report_errors
from common.runtime.engine import ENGINES
from common.runtime.glue import OF_GLUE, GlueCommand, has_classic_spark
from common.runtime.parameter_types import UriType
from common.runtime.version import version_option
from jobs.c360_staging.config import StagingConfig


@click.command(
    "c360-staging",
    cls=GlueCommand,
    epilog="Example: c360-staging --clean demo/c360/clean --staging demo/c360/staging --as-of 2026-03-10",
)
@click.option(
    "--clean",
    "--CLEAN",
    "clean_uri",
    type=UriType(),
    required=True,
    metavar="URI",
    help="Folder of the zone clean: a path, file:// or s3:// URI.",
)
@click.option(
    "--staging",
    "--STAGING",
    "staging_uri",
    type=UriType(),
    required=True,
    metavar="URI",
    help="Folder of the zone staging, to publish in.",
)
@click.option(
    "--as-of",
    "--AS_OF",
    "as_of",
    type=click.DateTime(["%Y-%m-%d"]),
    required=True,
    metavar="DATE",
    help="Last business date whose files count, inclusive.",
)
@click.option(
    "--engine",
    "--ENGINE",
    "engine",
    type=click.Choice(ENGINES),
    help="Compute engine.  [default: sail; spark in a Glue job that has it]",
)
@click.option("--accept-shrink", is_flag=True, help="Publish even with far fewer customers or plans than before.")
@click.option("--force", is_flag=True, help="Build the snapshot again if it is the published one.")
@click.option("--ACCEPT_SHRINK", "accept_in_glue", type=bool, default=False, hidden=True)
@click.option("--FORCE", "force_in_glue", type=bool, default=False, hidden=True)
@click.option(OF_GLUE, "job_name", hidden=True)
@version_option
@report_errors
def main(clean_uri: str, staging_uri: str, as_of: datetime, job_name: str | None, **options: Any) -> None:
    """Publish a snapshot as of a day: the latest customers and plans, plan history, and events with their plan.

    As a Glue job, it has CLEAN, STAGING, AS_OF, ENGINE, and ACCEPT_SHRINK and FORCE (true or false) for these options.
    """
    from jobs.c360_staging.job import run

    in_glue = job_name is not None
    engine = options["engine"] or ("spark" if in_glue and has_classic_spark() else "sail")
    accept_shrink = options["accept_shrink"] or options["accept_in_glue"]
    force = options["force"] or options["force_in_glue"]
    run(StagingConfig(clean_uri, staging_uri, as_of.date(), engine, in_glue, accept_shrink, force))
