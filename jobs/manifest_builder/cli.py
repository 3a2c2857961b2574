"""Command line of the manifest builder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

import click

from common.errors import InputError, ParameterError
from common.runtime.cli import report_errors
from common.runtime.commands import command
from common.runtime.lambda_function import is_function, read_event, serve
from common.runtime.version import version_option
from jobs.manifest_builder.config import BuilderConfig, Route, parse_routes
from jobs.manifest_builder.handler import handle


class RoutesType(click.ParamType[tuple[Route, ...]]):
    """Routes by prefix of keys, in JSON."""

    name = "routes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Route, ...]:
        """The routes; fails with a usage error that names the value."""
        if not isinstance(value, str):
            return tuple(value)
        try:
            return parse_routes(value)
        except ParameterError as error:
            self.fail(str(error), param, ctx)


@command(
    name="ndr-manifest-builder",
    epilog="Example: ndr-manifest-builder --event event.json --table file_tracking --manifest-bucket ndr-manifests",
    groups={
        "Input": ("event", "landing-bucket"),
        "Files": ("expected-file-size-mb", "size-tolerance-percent", "routes"),
        "Manifests": ("max-files-per-manifest", "min-files-for-partial-batch", "max-wait-minutes", "lock-seconds"),
        "Output": (
            "table",
            "tracking-days",
            "manifest-bucket",
            "quarantine-bucket",
            "step-function-arn",
            "alerts-topic-arn",
        ),
    },
)
@click.option(
    "--event",
    type=click.File(encoding="utf-8"),
    metavar="FILE|-",
    help="Event in JSON: messages of the queue, or {} for what the schedule does. Not with Lambda, which has its own.",
)
@click.option(
    "--table", envvar="FILE_TRACKING_TABLE", show_envvar=True, required=True, metavar="NAME", help="Tracking table."
)
@click.option(
    "--tracking-days",
    envvar="TRACKING_DAYS",
    show_envvar=True,
    type=click.IntRange(1),
    help="Days, at least 1, after which the table may forget a quarantined file.  [default: never]",
)
@click.option(
    "--manifest-bucket",
    envvar="MANIFEST_BUCKET",
    show_envvar=True,
    required=True,
    metavar="BUCKET",
    help="Bucket to write manifests to.",
)
@click.option(
    "--landing-bucket",
    envvar="LANDING_BUCKET",
    show_envvar=True,
    metavar="BUCKET",
    help="Bucket whose files are taken; messages about others fail.  [default: any]",
)
@click.option(
    "--quarantine-bucket",
    envvar="QUARANTINE_BUCKET",
    show_envvar=True,
    metavar="BUCKET",
    help="Bucket to copy invalid files to.  [default: they are recorded only]",
)
@click.option(
    "--step-function-arn",
    envvar="STEP_FUNCTION_ARN",
    show_envvar=True,
    metavar="ARN",
    help="State machine to start for each manifest.  [default: none]",
)
@click.option(
    "--alerts-topic-arn",
    envvar="ALERTS_TOPIC_ARN",
    show_envvar=True,
    metavar="ARN",
    help="Topic to say which manifests failed without saying it themselves.  [default: none]",
)
@click.option(
    "--max-files-per-manifest",
    envvar="MAX_FILES_PER_MANIFEST",
    show_envvar=True,
    type=click.IntRange(1, 1000),
    default=200,
    show_default=True,
    help="Files of a full manifest, 1 to 1000; fewer if their names are long.",
)
@click.option(
    "--min-files-for-partial-batch",
    envvar="MIN_FILES_FOR_PARTIAL_BATCH",
    show_envvar=True,
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Files of a past day, at least 1, that make a manifest without waiting for more.",
)
@click.option(
    "--max-wait-minutes",
    envvar="MAX_WAIT_MINUTES",
    show_envvar=True,
    type=click.FloatRange(0, 1440),
    default=15.0,
    show_default=True,
    help="Minutes, 0 to 1440, after which the schedule makes a manifest of however few files.",
)
@click.option(
    "--expected-file-size-mb",
    envvar="EXPECTED_FILE_SIZE_MB",
    show_envvar=True,
    type=click.FloatRange(0, min_open=True),
    help="Size of a valid file in MB of 2^20 bytes, above 0.  [default: any]",
)
@click.option(
    "--size-tolerance-percent",
    envvar="SIZE_TOLERANCE_PERCENT",
    show_envvar=True,
    type=click.FloatRange(0),
    default=10.0,
    show_default=True,
    help="Percent, at least 0, by which a valid size may differ, bounds included.",
)
@click.option(
    "--lock-seconds",
    envvar="LOCK_SECONDS",
    show_envvar=True,
    type=click.IntRange(1, 3600),
    default=60,
    show_default=True,
    help="Seconds, 1 to 3600, after which the work of a builder that is silent is taken up.",
)
@click.option(
    "--routes",
    envvar="ROUTES",
    show_envvar=True,
    type=RoutesType(),
    default=(),
    metavar="JSON",
    help="Where files go by prefix of their keys, {PREFIX: {route, organisation}}; the longest prefix counts.",
)
@version_option
@report_errors
def main(event: IO[str] | None, **options: Any) -> None:
    """Track NDJSON files that land in a bucket, and put them together into manifests, each with an execution."""
    if is_function():
        serve(handle)
    if event is None:
        raise click.UsageError("Missing option '--event'.")
    from jobs.manifest_builder.aws_stores import aws_stores
    from jobs.manifest_builder.job import run

    config = configuration(options)
    response = run(read_event(event), config, aws_stores(config))
    click.echo(json.dumps(response))
    if failures := response["batchItemFailures"]:
        raise InputError(f"{len(failures)} of the messages failed", "The events on stderr say why")


def configuration(options: Mapping[str, Any]) -> BuilderConfig:
    """The configuration that the options give."""
    return BuilderConfig(**{name: value for name, value in options.items() if name != "event"})
