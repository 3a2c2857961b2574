"""The version of the program, and the option with which every command prints it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import click

from common import __version__
from common.runtime.cli import Command

ROOT = Path(__file__).resolve().parents[2]


def version_option(function: Command) -> Command:
    """Adds `--version`."""
    return click.option(
        "--version",
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_show,
        help="Print the version and exit.",
    )(function)


def _show(context: click.Context, _option: click.Parameter, asked: Any) -> None:
    if not asked or context.resilient_parsing:
        return
    commit = revision()
    click.echo(f"{context.find_root().info_name} {__version__}" + (f" ({commit})" if commit else ""))
    context.exit()


def revision() -> str | None:
    """The short hash of the checkout that the program runs from; None where it was installed from a wheel."""
    if not (ROOT / ".git").exists():
        return None
    try:
        found = subprocess.run(
            ["git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()
