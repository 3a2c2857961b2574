"""Command line of the job that writes NDJSON files as Parquet."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from common.errors import NdrError
from common.runtime.cli import Command, report_errors
from common.runtime.commands import NdrCommand
from common.runtime.parameter_types import UriType
from common.runtime.version import version_option
from common.storage.filesystems import normal_uri
from jobs.ndjson_to_parquet.config import COMPRESSIONS, DRIVERS, ConversionConfig

MOST_PROCESSES = 2
"""More of them need more than 512 MiB."""

OF_GLUE = "--JOB_NAME"


class GlueCommand(NdrCommand):
    """A command that also runs as a Glue job: it ignores Glue's own arguments there, and raises its failures."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As usual; what Glue adds to the arguments of the job is ignored."""
        if OF_GLUE in args:
            ctx.ignore_unknown_options = ctx.allow_extra_args = True
        return super().parse_args(ctx, args)

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """As click does it; without `standalone_mode`, what ended the command is raised instead of `SystemExit`."""
        try:
            return super().main(*args, standalone_mode=standalone_mode, **extra)  # type: ignore[call-overload]
        except SystemExit as error:
            if standalone_mode or not isinstance(error.__context__, Exception):
                raise
            raise error.__context__ from None


class BucketType(click.ParamType[str]):
    """A bucket by its name, or a location."""

    name = "bucket"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The normal URI."""
        text = str(value)
        return normal_uri(text if "/" in text else f"s3://{text}")


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
@click.option(
    "--driver",
    type=click.Choice(DRIVERS),
    default="auto",
    show_default=True,
    help="What does the work: processes of this machine, or classic Spark; auto: Spark in a Glue job that has it.",
)
@click.option(
    "--processes",
    type=click.IntRange(1),
    help=f"Processes that work at once.  [default: one per core, at most {MOST_PROCESSES}]",
)
@click.option("--MANIFEST_PATH", "manifest_path", hidden=True)
@click.option("--MANIFEST_BUCKET", "manifest_bucket", hidden=True)
@click.option("--OUTPUT_BUCKET", "output_bucket", type=BucketType(), hidden=True)
@click.option("--REJECTS_BUCKET", "rejects_bucket", type=BucketType(), hidden=True)
@click.option(OF_GLUE, "job_name", hidden=True)
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
    driver, processes = options["driver"], options["processes"]
    on_spark = driver == "spark" or (driver == "auto" and options["job_name"] is not None and has_classic_spark())
    config = ConversionConfig(
        _manifest(options),
        output,
        options["rejects"] or options["rejects_bucket"] or output,
        options["compression"],
        options["max_rejected_ratio"],
        processes or min(os.cpu_count() or 1, MOST_PROCESSES),
        on_spark,
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


def has_classic_spark() -> bool:
    """Whether pyspark is here with its jars, which the client for Spark Connect has not."""
    found = importlib.util.find_spec("pyspark")
    return found is not None and found.origin is not None and Path(found.origin).with_name("jars").is_dir()
