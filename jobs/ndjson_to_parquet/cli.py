"""Command line of the job that writes NDJSON files as Parquet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from common.errors import NdrError
from common.runtime.cli import Command, report_errors
from common.runtime.glue import BucketType, GlueCommand, chosen_driver, driver_options
from common.runtime.parameter_types import UriType
from common.runtime.version import version_option
from common.storage.filesystems import normal_uri
from jobs.ndjson_to_parquet.config import COMPRESSIONS, ConversionConfig


def _location(name: str, meaning: str) -> Callable[[Command], Command]:
    return click.option(name, type=UriType(), metavar="URI", help=meaning)


@click.command(
    "ndr-ndjson-to-parquet",
    cls=GlueCommand,
    epilog="Example: ndr-ndjson-to-parquet --manifest demo/ingestion/manifest.json --output demo/ingestion",
    groups={
        "Input": ("manifest", "max-rejected-ratio"),
        "Output": ("output", "rejects", "compression"),
        "Engine": ("driver", "processes"),
    },
)
@_location("--manifest", "Manifest: a path, file:// or s3:// URI.")
@_location("--output", "Folder to write merged-parquet-<date>/<manifest id>-<i>-of-<n>.parquet to.")
@_location("--rejects", "Folder to write rejects-<date>/<manifest id>.ndjson to.  [default: --output]")
@click.option(
    "--compression",
    "--COMPRESSION_TYPE",
    "compression",
    type=click.Choice(COMPRESSIONS, case_sensitive=False),
    default="snappy",
    show_default=True,
    help="Compression of the Parquet files.",
)
@click.option(
    "--max-rejected-ratio",
    "--MAX_REJECTED_RATIO",
    "max_rejected_ratio",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    default=0.05,
    show_default=True,
    help="Greatest share of lines that may be no records, inclusive; with more, the job fails.",
)
@driver_options
@click.option("--MANIFEST_PATH", "manifest_path", hidden=True)
@click.option("--MANIFEST_BUCKET", "manifest_bucket", hidden=True)
@click.option("--OUTPUT_BUCKET", "output_bucket", type=BucketType(), hidden=True)
@click.option("--REJECTS_BUCKET", "rejects_bucket", type=BucketType(), hidden=True)
@version_option
@report_errors
def main(**options: Any) -> None:
    """Write the records of the NDJSON files of a manifest as Parquet with columns of text.

    As a Glue job, it has MANIFEST_PATH, MANIFEST_BUCKET, OUTPUT_BUCKET, REJECTS_BUCKET, COMPRESSION_TYPE and
    MAX_REJECTED_RATIO for these options.
    """
    from jobs.ndjson_to_parquet.job import run

    output = options["output"] or options["output_bucket"]
    if not output:
        raise click.UsageError("Missing option '--output' (in a Glue job, '--OUTPUT_BUCKET').")
    config = ConversionConfig(
        _manifest(options),
        output,
        options["rejects"] or options["rejects_bucket"] or output,
        options["compression"],
        options["max_rejected_ratio"],
        *chosen_driver(options["driver"], options["processes"], options["job_name"]),
    )
    run(config)


def _manifest(options: dict[str, Any]) -> str:
    """The location of the manifest; Glue's is a URI, or a key in a bucket.

    Raises:
        UsageError: there is none.
    """
    path, bucket = options["manifest_path"], options["manifest_bucket"]
    if options["manifest"]:
        return str(options["manifest"])
    if not path:
        raise click.UsageError("Missing option '--manifest' (in a Glue job, '--MANIFEST_PATH').")
    try:
        return normal_uri(path if "://" in path or not bucket else f"s3://{bucket}/{path}")
    except NdrError as error:
        raise click.UsageError(str(error)) from None
