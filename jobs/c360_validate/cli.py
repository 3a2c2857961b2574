"""Command line of the validation of delivered files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

import click

from common.errors import InputError
from common.runtime.cli import report_errors
from common.runtime.commands import command
from common.runtime.lambda_function import is_function, read_event, serve
from common.runtime.parameter_types import UriType
from common.runtime.version import version_option
from common.storage.filesystems import normal_uri
from jobs.c360_validate.config import ValidationConfig
from jobs.c360_validate.handler import handle


@command(
    name="c360-validate",
    epilog="Example: c360-validate --zones demo/c360",
)
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option(
    "--zones",
    "zones_uri",
    type=UriType(),
    envvar="ZONES_URI",
    show_envvar=True,
    required=True,
    metavar="URI",
    help="Folder of the zones raw, archive and rejected: a path, file:// or s3:// URI.",
)
@click.option(
    "--event",
    type=click.File(encoding="utf-8"),
    metavar="FILE|-",
    help="Event in JSON: messages of the queue with notifications of S3. Not with Lambda, which has its own.",
)
@click.option(
    "--max-bad-ratio",
    envvar="MAX_BAD_RATIO",
    show_envvar=True,
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    default=0.05,
    show_default=True,
    help="Greatest share of rows of a valid file that may be broken or without a key, inclusive.",
)
@click.option(
    "--alerts-topic-arn",
    envvar="ALERTS_TOPIC_ARN",
    show_envvar=True,
    metavar="ARN",
    help="SNS topic to tell of each rejected file.  [default: none]",
)
@version_option
@report_errors
def main(files: tuple[str, ...], event: IO[str] | None, **options: Any) -> None:
    """Sort delivered files of raw into archive, where nothing is ever replaced, and rejected, with the reason.

    Without files and without an event, all files of raw are sorted.
    """
    if is_function():
        serve(handle)
    from jobs.c360_validate.job import handle_event, run

    config = configuration(options)
    if event is None:
        run([_name(file, config) for file in files] if files else None, config)
        return
    if files:
        raise click.UsageError("Give files or --event, not both.")
    response = handle_event(read_event(event), config)
    click.echo(json.dumps(response))
    if failures := response["batchItemFailures"]:
        raise InputError(f"{len(failures)} of the messages failed", "The events on stderr say why")


def configuration(options: Mapping[str, Any]) -> ValidationConfig:
    """The configuration that the options give."""
    return ValidationConfig(options["zones_uri"], options["max_bad_ratio"], options["alerts_topic_arn"] or None)


def _name(file: str, config: ValidationConfig) -> str:
    """The name of a file below `raw`.

    Raises:
        InputError: it is elsewhere.
    """
    raw = f"{config.zones_uri}/raw/"
    uri = normal_uri(file)
    if not uri.startswith(raw):
        raise InputError(f"{file} is not below {raw}", "Put it there, or give another --zones")
    return uri.removeprefix(raw)
