"""Command line of ndr-privacy: names of people in a lake."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from common.privacy.actions import ACTIONS
from common.runtime.cli import by_option, lake_option, report_errors
from common.runtime.commands import group
from common.runtime.output import activity
from common.runtime.parameter_types import MomentType
from common.runtime.rows import format_option
from common.runtime.version import version_option

Command = Callable[..., Any]


def reason_option(function: Command) -> Command:
    """Adds `--reason`."""
    return click.option(
        "--reason", required=True, metavar="TEXT", help="Why, for the log: a ticket or a request, without names."
    )(function)


def person_option(function: Command) -> Command:
    """Adds `--person`."""
    return click.option(
        "--person",
        "names",
        required=True,
        multiple=True,
        metavar="NAME",
        help="A name of the person, as DOMAIN\\user, user@domain or plain, or of their machine; can be repeated.",
    )(function)


def key_file_option(function: Command) -> Command:
    """Adds `--key-file`."""
    return click.option(
        "--key-file",
        "keys",
        metavar="PLACE",
        help="Where the keys are: a file or secretsmanager://NAME, never a key.  [default: what the settings say]",
    )(function)


def dry_run_option(function: Command) -> Command:
    """Adds `--dry-run`."""
    return click.option("--dry-run", is_flag=True, help="Only count the rows that would change.")(function)


@group(name="ndr-privacy", epilog="Example: ndr-privacy log --lake demo/lake")
@version_option
def main() -> None:
    """Mask and unmask names of people in a lake, export and erase a person, and show who did so or opened a case."""


@main.command(name="new-key", epilog="Example: ndr-privacy new-key --key-file keys/acme.keys")
@click.option(
    "--key-file", type=click.Path(path_type=Path, dir_okay=False), required=True, metavar="FILE",
    help="File that the key is added to; made for you alone if there is none.",
)  # fmt: skip
@report_errors
def new_key(key_file: Path) -> None:
    """Add a new key to a file, and print the settings that use it. The keys that it has stay: they unmask."""
    from tools.privacy import job

    job.new_key(key_file)


@main.command(epilog="Example: ndr-privacy mask --lake demo/lake --dry-run")
@lake_option
@by_option
@dry_run_option
@report_errors
def mask(**options: Any) -> None:
    """Put pseudonyms in the place of the names that a lake has, by the key of its settings.

    Pseudonyms of other keys of the same place become those of this one. Former versions of the tables are removed.
    """
    _job().mask(**options)


@main.command(epilog='Example: ndr-privacy unmask --lake demo/lake --reason "case 1f0c77a90b2d" user-1-Zm9v')
@lake_option
@click.argument("values", nargs=-1, required=True, metavar="PSEUDONYM...")
@reason_option
@by_option
@key_file_option
@format_option
@report_errors
def unmask(**options: Any) -> None:
    """Print the names behind pseudonyms, or the record behind a sealed text; who asked and why is logged before."""
    _job().unmask(**options)


@main.command(
    epilog=r'Example: ndr-privacy export --lake demo/lake --person "corp\leo.dubois" --reason "request 17" '
    "--out demo/export.ndjson",
    groups={"Person": ("person", "reason", "by", "key-file"), "Output": ("out", "format")},
)
@lake_option
@person_option
@reason_option
@by_option
@key_file_option
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, metavar="FILE", help="File to write."
)
@click.option(
    "--format", "form", type=click.Choice(("ndjson", "csv")), default="ndjson", show_default=True,
    help="One JSON object a line, or CSV with the columns of all tables.",
)  # fmt: skip
@report_errors
def export(**options: Any) -> None:
    """Write all rows of a lake about a person to a file: sessions, marks, notes, and the scores of hosts they used."""
    _job().export(**options)


@main.command(
    epilog=r'Example: ndr-privacy erase --lake demo/lake --person "corp\leo.dubois" --reason "request 18" --dry-run'
)
@lake_option
@person_option
@reason_option
@by_option
@key_file_option
@dry_run_option
@report_errors
def erase(**options: Any) -> None:
    """Remove a person's names from a lake. Rows stay, so that counts are true; former versions of tables go."""
    _job().erase(**options)


@main.command(
    epilog="Example: ndr-privacy log --lake demo/lake --action open-case",
    groups={"Entries": ("action", "by", "subject", "since", "last")},
)
@lake_option
@click.option("--action", type=click.Choice(ACTIONS), help="Only this action.")
@click.option("--by", metavar="NAME", help="Only what this user did.")
@click.option("--subject", metavar="TEXT", help="Only what was about this case or pseudonym.")
@click.option("--since", type=MomentType(), metavar="TIME", help="Only from then on.")
@click.option("--last", type=click.IntRange(1), default=100, show_default=True, help="Number of entries.")
@format_option
@report_errors
def log(since: datetime | None, **options: Any) -> None:
    """List who unmasked, exported, erased or masked names, or opened a case on the served page; the newest first."""
    with activity("loading"):
        from tools.privacy import listing

    listing.print_log(since=since, **options)


def _job() -> Any:
    with activity("loading"):
        from tools.privacy import job

    return job
