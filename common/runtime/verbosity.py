"""The options that set how much a command says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from common.runtime.events import LEVEL_VARIABLE, Level

Command = Callable[..., Any]


def verbosity_options(function: Command) -> Command:
    """Adds `--quiet` and `--verbose`, which set how much this command and its children say."""
    for option in (
        click.option(
            "-v",
            "--verbose",
            is_flag=True,
            expose_value=False,
            callback=_set_level,
            help="Also show details: settings, files read, versions written, waits before retries.",
        ),
        click.option(
            "-q",
            "--quiet",
            is_flag=True,
            expose_value=False,
            callback=_set_level,
            help="Show errors and the result only.",
        ),
    ):
        function = option(function)
    return function


def _set_level(context: click.Context, option: click.Parameter, given: bool) -> None:
    if given and context.meta.setdefault(LEVEL_VARIABLE, _LEVELS[option.name]) != _LEVELS[option.name]:
        raise click.UsageError("--quiet and --verbose exclude each other")


_LEVELS: dict[str | None, Level] = {"quiet": "error", "verbose": "debug"}


def asked_level() -> Level | None:
    """The level that the options of the running command ask for; None without them."""
    context = click.get_current_context(silent=True)
    return context.meta.get(LEVEL_VARIABLE) if context else None
