"""Command line of the join stage."""

from __future__ import annotations

from typing import Any

import click

from common.runtime.cli import report_errors, stage_options
from common.runtime.commands import command
from common.runtime.context import run_stage
from common.runtime.plain_arrow import without_pandas
from common.runtime.version import version_option
from jobs.join.config import DESTINATIONS, JoinConfig


@command(
    name="ndr-join",
    epilog="Example: ndr-join --window 2026-03-10T13:08Z --lake demo/lake",
    groups={"Output": ("destination",), "Input": ("staged",)},
)
@click.option(
    "--staged",
    metavar="ID|none",
    default="none",
    show_default=True,
    help="Publish the rows that ndr-15m --through join staged under this id, its --mini-batch-id; none: join them now.",
)
@click.option(
    "--destination",
    type=click.Choice(DESTINATIONS),
    default="lake",
    show_default=True,
    help="Where to publish the rows besides the lake: in S3 below publication.s3_prefix, or in the table "
    "redshift.publication_table (project parameters).",
)
@stage_options
@version_option
@report_errors
def main(staged: str, **options: Any) -> None:
    """Join predictions with the features an analyst checks first, and publish the rows."""
    without_pandas()
    from common.runtime.lake_project import with_lake_project

    if staged != "none":
        from jobs.join.staging import publish_staged

        run_stage("ndr-join", JoinConfig(staged=staged, **with_lake_project(options)), publish_staged)
    else:
        from jobs.join.job import run

        run_stage("ndr-join", JoinConfig(**with_lake_project(options)), run)
