"""The option for the environment of what is deployed: its name begins all others."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import click

from common.runtime.cli import Command

META = "common.runtime.environments"


class EnvironmentType(click.ParamType[str]):
    """The name of an environment: up to eight lower-case letters and digits."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name; fails with a usage error that names the value."""
        if value and not re.fullmatch("[a-z][a-z0-9]{0,7}", value):
            self.fail(f"{value!r} is none. Use up to eight letters and digits, a letter first: dev", param, ctx)
        return str(value)


def environment_option(function: Command, shown: bool = True) -> Command:
    """Adds `--environment`; as an argument `environment` only where it is `shown` to the command."""

    def remembered(context: click.Context, _: click.Parameter, value: str) -> str:
        context.meta[META] = value
        return value

    return click.option(
        "--environment",
        type=EnvironmentType(),
        default="",
        is_eager=True,
        callback=remembered,
        expose_value=shown,
        envvar="NDR_ENVIRONMENT",
        show_envvar=True,
        metavar="NAME",
        help="Environment, whose name begins those of everything in it; an account may have several.  [default: the "
        "one without a name]",
    )(function)


def prefix_of(environment: str) -> str:
    """What begins the names of everything in an environment; nothing where it has no name."""
    return f"{environment}-" if environment else ""


def in_environment(context: click.Context, _: click.Parameter, value: str) -> str:
    """The value of an option after what begins the names of the environment that `--environment` says."""
    return f"{prefix_of(context.meta[META])}{value}"


def stack_option(name: str, what: str, *declared: str) -> Callable[[Command], Command]:
    """Adds the option for the name of a stack, which by default is this one after the name of the environment."""

    def named(context: click.Context, parameter: click.Parameter, value: str | None) -> str:
        return value or in_environment(context, parameter, name)

    return click.option(
        *(declared or ("--stack",)),
        callback=named,
        metavar="NAME",
        help=f"Name of the stack of {what}.  [default: {name}, after that of the environment]",
    )
