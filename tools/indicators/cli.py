"""Command line of ndr-indicators."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from common.runtime.cli import Command, by_option, lake_option, lake_spec_option, report_errors
from common.runtime.commands import group
from common.runtime.loading import loading
from common.runtime.parameter_types import MomentType
from common.runtime.rows import format_option
from common.runtime.version import version_option

if TYPE_CHECKING:
    from tools.indicators.config import Choice, Place


CHOICE = ("source", "address", "id")


@group(name="ndr-indicators", epilog="Example: ndr-indicators import --lake demo/lake feodo.csv bundle.json")
@version_option
def main() -> None:
    """Take lists of bad addresses, and say which hosts met one and when. Scores never change."""


def place_options(function: Command) -> Command:
    """Adds the options of all commands."""
    return lake_option(lake_spec_option(format_option(function)))


def choice_options(function: Command) -> Command:
    """Adds the options that choose indicators."""
    for option in (
        click.option("--id", "ids", multiple=True, metavar="ID", help="The indicator of this id; can be repeated."),
        click.option(
            "--address", callback=_address, metavar="IP", help="Indicators that name this address, or its network."
        ),
        click.option("--source", metavar="NAME", help="Indicators of this source."),
    ):
        function = option(function)
    return function


def _address(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    import ipaddress

    if value is None:
        return None
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise click.BadParameter(f"{value!r} is no address") from None


days_option = click.option(
    "--days", type=click.IntRange(1, 3650), help="Days to look back, up to the last one.  [default: all that are kept]"
)
note_option = click.option("--note", required=True, metavar="TEXT", help="Why.")


@main.command(
    name="import",
    epilog="Example: ndr-indicators import --lake demo/lake --source feodo --whole feodo.csv",
    groups={"Lists": ("source", "whole", "restore", "by"), "Looking back": ("days",)},
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@place_options
@click.option("--source", metavar="NAME", help="Name of the source.  [default: what the file says, or its name]")
@click.option("--whole", is_flag=True, help="The files are all that their sources know: withdraw what they lack.")
@click.option("--restore", is_flag=True, help="Also take what somebody has expired or removed.")
@days_option
@by_option
@report_errors
def take(files: tuple[str, ...], **options: Any) -> None:
    """Import indicators from CSV, STIX 2 bundles or MISP events, and print who has met them already.

    A line that is wrong is named and left out, the rest goes in, in one commit. What a file says again changes nothing.
    """
    with loading():
        from tools.indicators.config import ImportConfig
        from tools.indicators.job import take_files

    place = _place(options)
    take_files(ImportConfig(place=place, files=files, **options))


@main.command(
    epilog="Example: ndr-indicators hits --lake demo/lake --days 7",
    groups={"Indicators": (*CHOICE, "days")},
)
@place_options
@choice_options
@days_option
@report_errors
def hits(days: int | None, **options: Any) -> None:
    """Print who met an indicator, and when: the newest first."""
    with loading():
        from tools.indicators.job import show_meetings

    place = _place(options)
    show_meetings(place, _choice(options), days)


@main.command(
    name="list",
    epilog="Example: ndr-indicators list --lake demo/lake --address 203.0.113.9 --history",
    groups={"Indicators": (*CHOICE, "all", "history")},
)
@place_options
@choice_options
@click.option("--all", "every", is_flag=True, help="Also those that are withdrawn, expired or removed.")
@click.option("--history", is_flag=True, help="All changes of them: who did what when.")
@report_errors
def list_indicators(every: bool, history: bool, **options: Any) -> None:
    """Print the indicators that are active."""
    with loading():
        from tools.indicators.job import show

    place = _place(options)
    show(place, _choice(options), every=every, history=history)


@main.command(
    epilog='Example: ndr-indicators expire --lake demo/lake --address 203.0.113.9 --note "taken down"',
    groups={"Indicators": CHOICE, "Change": ("at", "note", "by")},
)
@place_options
@choice_options
@click.option("--at", type=MomentType(), metavar="TIME", help="When: contacts before it still count.  [default: now]")
@note_option
@by_option
@report_errors
def expire(at: datetime | None, **options: Any) -> None:
    """End indicators: later contacts do not meet them any more."""
    _change(at or datetime.now(UTC), options)


@main.command(
    epilog='Example: ndr-indicators remove --lake demo/lake --address 203.0.113.9 --note "our own scanner"',
    groups={"Indicators": CHOICE, "Change": ("note", "by")},
)
@place_options
@choice_options
@note_option
@by_option
@report_errors
def remove(**options: Any) -> None:
    """Remove indicators, as if they had never been: nothing meets them any more. Their history stays."""
    _change(None, options)


def _change(until: datetime | None, options: dict[str, Any]) -> None:
    place, choice = _place(options), _choice(options)
    if choice.source is None and choice.address is None and not choice.ids:
        raise click.UsageError("give --source, --address or --id")
    with loading():
        from tools.indicators.config import MarkConfig
        from tools.indicators.job import change

    change(MarkConfig(place=place, choice=choice, until=until, **options))


def _place(options: dict[str, Any]) -> Place:
    from tools.indicators.config import Place

    return Place(*(options.pop(name) for name in ("lake_uri", "feature_spec_version", "form")))


def _choice(options: dict[str, Any]) -> Choice:
    from tools.indicators.config import Choice

    return Choice(options.pop("source"), options.pop("address"), options.pop("ids"))
