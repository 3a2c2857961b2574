"""Command line of ingestion."""

from __future__ import annotations

import getpass
import json
import sys
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING

import click

from common.display import on_terminal
from common.errors import InputError
from common.runtime.cli import Command, report_errors
from common.runtime.commands import group
from common.runtime.environments import environment_option, stack_option
from common.runtime.output import activity
from common.runtime.rows import format_option, print_rows
from common.runtime.version import version_option

if TYPE_CHECKING:
    from tools.ingestion.stack import Ingestion


@group(name="ndr-ingestion", epilog="Example: ndr-ingestion status")
@version_option
def main() -> None:
    """Show what NDJSON ingestion does with files, and bring back what failed.

    Set AWS_ENDPOINT_URL to use a server other than AWS.
    """


def _stack(function: Command) -> Command:
    """Adds the options that say which stack ingestion is, as the argument `stack`."""
    return environment_option(stack_option("ndr-ingestion", "ingestion")(function), shown=False)


@main.command(epilog="Example: ndr-ingestion status --date 2026-03-10 --json")
@_stack
@click.option(
    "--date",
    "dates",
    multiple=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="Only files of this date; repeatable.  [default: all, for which the whole table is read]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, with ages, locks and queues.")
@format_option
@report_errors
def status(stack: str, dates: tuple[datetime, ...], as_json: bool, form: str) -> None:
    """Count files and manifests by date and state.

    Exit code 1 says that something waits longer than it should, or that messages are in the dead-letter queue.
    """
    from tools.ingestion.counts import count

    ingestion, now = _of(stack), datetime.now(UTC)
    with activity("counting"):
        table = ingestion.table
        items = chain.from_iterable(table.of_date(f"{date:%Y-%m-%d}") for date in dates) if dates else table.scanned()
        counts = count(items, now, timedelta(minutes=float(ingestion.settings["MAX_WAIT_MINUTES"])))
        dead = ingestion.messages("IngestionDeadLetterQueueUrl")
        if dead:
            counts.late.append(f"messages in the dead-letter queue: {dead}; ndr-ingestion redrive puts them back")
        document = counts.document(now, ingestion.messages("IngestionQueueUrl"), dead)
    if as_json:
        click.echo(json.dumps(document))
    else:
        print_rows(counts.rows(), form, ("date", "kind", "state", "count"))
        for line in counts.late:
            click.echo(on_terminal(f"late: {line}"), err=True)
    sys.exit(1 if counts.late else 0)


@main.command(epilog="Example: ndr-ingestion trace conn-2026-03-10.ndjson")
@click.argument("file", metavar="FILE")
@_stack
@format_option
@report_errors
def trace(file: str, stack: str, form: str) -> None:
    """Print what happened to a file: tracking, manifest, executions, runs of the job, Parquet.

    FILE is its name, key or s3:// URI; each version of it that was announced is shown.
    """
    from tools.ingestion import trace as tracing

    ingestion = _of(stack)
    with activity("tracing"):
        rows = [row for found in tracing.find(ingestion, file) for row in tracing.trace(ingestion, found)]
    print_rows(rows, form, ("at", "step", "what", "details"))


@main.command(epilog="Example: ndr-ingestion flush")
@_stack
@report_errors
def flush(stack: str) -> None:
    """Make manifests of all pending files now, however few and new they are."""
    with activity("flushing"):
        made = _of(stack).sweep(flush=True)
    click.echo(f"manifests made: {made}")


@main.command(epilog="Example: ndr-ingestion reprocess --all")
@click.argument("manifests", nargs=-1, metavar="[MANIFEST]...")
@click.option("--all", "all_failed", is_flag=True, help="All manifests that failed.")
@_stack
@report_errors
def reprocess(manifests: tuple[str, ...], all_failed: bool, stack: str) -> None:
    """Run failed manifests again, given by their ids; what they wrote is replaced."""
    from tools.ingestion import changes

    if bool(manifests) == all_failed:
        raise click.UsageError("Give the ids of manifests, or --all.")
    ingestion = _of(stack)
    failed = changes.failed_manifests(ingestion, manifests)
    if not failed:
        click.echo("no manifest has failed")
    for record in failed:
        done = changes.reprocess(ingestion, record)
        click.echo(f"{record.id}: {f'attempt {record.attempt + 1}' if done else 'reprocessed by somebody else'}")
    ingestion.sweep()


@main.command(epilog="Example: ndr-ingestion release conn.json")
@click.argument("file", metavar="FILE")
@_stack
@report_errors
def release(file: str, stack: str) -> None:
    """Make a quarantined file pending, so that it is processed; the copy in quarantine stays."""
    from tools.ingestion import changes, trace

    ingestion = _of(stack)
    released = [found for found in trace.find(ingestion, file) if changes.release(ingestion, found, getpass.getuser())]
    if not released:
        raise InputError(f"{file} is not quarantined", f"Look at ndr-ingestion trace {file}")
    for found in released:
        click.echo(on_terminal(f"{found.uri}: pending"))


@main.command(epilog="Example: ndr-ingestion redrive")
@_stack
@report_errors
def redrive(stack: str) -> None:
    """Put the messages of the dead-letter queue back into the queue."""
    from tools.ingestion import changes

    click.echo(f"messages put back: {changes.redrive(_of(stack))}")


def _of(stack: str) -> Ingestion:
    from tools.ingestion.stack import Ingestion

    return Ingestion(stack)
