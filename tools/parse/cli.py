"""Command line of the log parser."""

from __future__ import annotations

import json
import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from common.errors import InputError
from common.runtime import rows
from common.runtime.cli import report_errors
from common.runtime.commands import command
from common.runtime.log_formats import LOG_FORMATS
from common.runtime.output import activity
from common.runtime.parameter_types import PlaceType
from common.runtime.version import version_option

if TYPE_CHECKING:
    from tools.parse.config import ParseConfig

FILE = click.Path(path_type=Path, dir_okay=False)


@command(
    name="ndr-parse",
    epilog="Example: ndr-parse demo/scenario/fw_paloalto/acme/hq/2026/03/10/86156034ff0d1920 | head -3",
    groups={"Output": ("all", "stats", "sample", "out", "format", "rejects")},
)
@click.argument("inputs", nargs=-1, type=PlaceType(), required=True, metavar="INPUT...")
@click.option(
    "--log-format",
    type=click.Choice(LOG_FORMATS),
    help="Log format of all inputs.  [default: detected per file]",
)
@click.option(
    "--log-time-zone",
    metavar="ZONE",
    help="Zone of log times without one: IANA name or offset (+02:00).  [default: from the project parameters]",
)
@click.option("--all", "include_all", is_flag=True, help="Include start logs and duplicates, with a status column.")
@click.option(
    "--stats",
    is_flag=True,
    help="Print a summary instead of sessions: files, formats, outcomes, fields that have values, reasons of rejects.",
)
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    metavar="N",
    help="Give N of the sessions, chosen by chance from all of the input; the same input gives the same ones.",
)
@click.option(
    "--out", type=FILE, metavar="FILE", help="Write the sessions to a .parquet or .ndjson file instead of stdout."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(rows.FORMATS),
    help="Form of the sessions on stdout; a table waits for all of them. Of --stats: json or ndjson.  "
    "[default: ndjson; text with --stats]",
)
@click.option("--rejects", type=FILE, metavar="FILE", help="Write the rejected records as NDJSON.")
@click.option(
    "--parameters",
    "parameters_path",
    type=PlaceType(),
    metavar="SOURCE",
    help="Project parameters, for log_time_zone, device_time_zones, column_mapping and max_rejected_ratio: a YAML file "
    "(a path or s3:// URI) or dynamodb://<table>.  [default: built-in defaults]",
)
@version_option
@report_errors
def main(
    inputs: tuple[str, ...],
    log_format: str | None,
    log_time_zone: str | None,
    include_all: bool,
    stats: bool,
    sample: int | None,
    out: Path | None,
    form: str | None,
    rejects: Path | None,
    parameters_path: str | None,
) -> None:
    """Convert logs to canonical sessions on stdout, and print the counts on stderr.

    INPUT is a file (plain or packed), folder, glob, file:// or s3:// URI. If a file is damaged or cannot be read, all
    others are parsed, and the exit code is 1.
    """
    from common.config.project import load_project
    from common.logs import ReadOptions
    from tools.parse.config import ParseConfig
    from tools.parse.job import run

    project = load_project(parameters_path, log_time_zone=log_time_zone)
    config = ParseConfig(
        inputs=inputs,
        options=ReadOptions(
            log_format,
            project.log_time_zone,
            project.device_time_zones,
            project.column_mapping,
            project.columns,
        ),
        include_all=include_all,
        out=out,
        form=form or ("text" if stats else "ndjson"),
        rejects=rejects,
        max_rejected_ratio=project.max_rejected_ratio,
        threads=os.cpu_count() or 1,
        stats=stats,
        sample=sample,
    )
    with activity("parse") if _is_watched(config) else nullcontext():
        counts = run(config)
    click.echo(json.dumps(counts), err=True)
    if counts["incomplete_reason"]:
        raise InputError(counts["incomplete_reason"], "Everything else was parsed; see holes in the counts above")


def _is_watched(config: ParseConfig) -> bool:
    """Whether progress may be shown: sessions that appear on a terminal would be mixed with it."""
    return config.out is not None or config.stats or config.sample is not None or not sys.stdout.isatty()


if __name__ == "__main__":
    main()
