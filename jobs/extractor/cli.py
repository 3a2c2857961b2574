"""Command line of the extractor."""

from __future__ import annotations

from typing import Any

import click

from common.errors import ParameterError, WindowError
from common.runtime.cli import UriType, WindowListType, report_errors, stage_options
from common.runtime.version import version_option
from jobs.extractor.config import SOURCES, ExtractorConfig
from jobs.extractor.job import run


@click.command(
    name="ndr-extractor",
    epilog="Example: ndr-extractor --window 2026-03-03T00:08Z/2026-03-04T00:08Z --request-id march-3 "
    "--input-prefix ./fw_paloalto/acme/hq --manifest ./backfill/march-3 --lake ./lake",
)
@click.option("--request-id", required=True, metavar="ID", help="Backfill request that the manifest answers.")
@click.option(
    "--input-prefix",
    type=UriType(),
    required=True,
    metavar="URI",
    help="Folder of the organisation's batches, s3://bucket/org1/org2 or a path; below it YYYY/MM/DD/<batch>/<files>.",
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
    help="Only these windows of the range: starts or ranges START/END, separated by commas.",
)
@click.option(
    "--source",
    type=click.Choice(SOURCES),
    default="auto",
    show_default=True,
    help="Where batches are looked up: the batch index, a listing of the folder, or auto: the index, and a listing of "
    "the days for which it lacks windows.",
)
@stage_options
@version_option
@report_errors
def main(**options: Any) -> None:
    """Finds the batches of a range of windows, and writes them as the manifest of a backfill."""
    try:
        config = ExtractorConfig(**options)
    except (ParameterError, WindowError) as error:
        raise click.UsageError(str(error)) from None
    run(config)
