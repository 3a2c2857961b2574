"""Command line of the extractor."""

from __future__ import annotations

from typing import Any

import click

from common.errors import ParameterError, WindowError
from common.runtime.cli import report_errors, stage_options
from common.runtime.commands import command
from common.runtime.parameter_types import UriType, WindowListType
from common.runtime.version import version_option
from jobs.extractor.config import SOURCES, ExtractorConfig


@command(
    name="ndr-extractor",
    epilog="Example: ndr-extractor --window 2026-03-10T00:08Z/2026-03-11T00:08Z --request-id march-10 "
    "--input-prefix demo/scenario/fw_paloalto/acme/hq --manifest demo/backfill/march-10 --lake demo/lake",
    groups={
        "Windows": ("window", "windows-filter"),
        "Input": ("input-prefix", "source"),
        "Output": ("request-id", "manifest"),
    },
)
@click.option("--request-id", required=True, metavar="ID", help="Id of the backfill request.")
@click.option(
    "--input-prefix",
    type=UriType(),
    required=True,
    metavar="URI",
    help="Folder of the organisation's mini-batches, s3://bucket/org1/org2 or a path, with subfolders YYYY/MM/DD/<id>.",
)
@click.option(
    "--manifest",
    "manifest_uri",
    type=UriType(),
    required=True,
    metavar="URI",
    help="Folder to write the manifest to.",
)
@click.option(
    "--windows-filter",
    type=WindowListType("all"),
    default="all",
    show_default=True,
    metavar="WINDOWS|all",
    help="Windows of the range to include: starts or ranges START/END, separated by commas, or @FILE with one per "
    "line.",
)
@click.option(
    "--source",
    type=click.Choice(SOURCES),
    default="auto",
    show_default=True,
    help="Source of the mini-batches: the batch index, a listing of the folder, or auto: the index, plus a listing of "
    "the days for which it lacks windows.",
)
@stage_options
@version_option
@report_errors
def main(**options: Any) -> None:
    """Find the mini-batches of a range of windows, and write the manifest of a backfill."""
    from common.runtime.lake_project import with_lake_project
    from jobs.extractor.job import run

    known = with_lake_project(options)
    try:
        config = ExtractorConfig(**known)
    except (ParameterError, WindowError) as error:
        raise click.UsageError(str(error)) from None
    run(config)
