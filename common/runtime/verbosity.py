"""The options that set how much a command says."""

from __future__ import annotations

import click

from common.runtime.events import LEVEL_VARIABLE, Level

_LEVELS: dict[str | None, Level] = {"quiet": "error", "verbose": "debug"}


def verbosity_options() -> list[click.Option]:
    """The options `--quiet` and `--verbose`, which hold for the command and its children."""
    return [
        click.Option(
            ["-q", "--quiet"],
            is_flag=True,
            expose_value=False,
            callback=_note,
            help="Show errors and the result only.",
        ),
        click.Option(
            ["-v", "--verbose"],
            is_flag=True,
            expose_value=False,
            callback=_note,
            help="Show details, too: settings, files, versions written, and what libraries say.",
        ),
    ]


def asked_level() -> Level | None:
    """The level that the options of the running command ask for; None without them."""
    context = click.get_current_context(silent=True)
    return context.meta.get(LEVEL_VARIABLE) if context else None


def _note(context: click.Context, option: click.Parameter, given: bool) -> None:
    if given and context.meta.setdefault(LEVEL_VARIABLE, _LEVELS[option.name]) != _LEVELS[option.name]:
        raise click.UsageError("--quiet and --verbose exclude each other")
