"""Begins a new stage: python -m tools.scaffold NAME, in the root of the repository."""

from __future__ import annotations

from pathlib import Path

import click

from common.runtime.cli import report_errors
from common.runtime.commands import command
from tools.scaffold.stage import BASES, NewStage, add


@command(name="make stage", epilog="Example: make stage NAME=ndr-top-talkers")
@click.argument("name")
@click.option("--base", type=click.Choice(list(BASES)), default="base", show_default=True, help="Base of the image.")
@report_errors
def main(name: str, base: str) -> None:
    """Writes the files of a stage whose command and image are called NAME, and its lines in other files."""
    stage = NewStage(name, base)
    for path in add(stage, Path.cwd()):
        click.echo(f"wrote {path}")
    click.echo(stage.left_to_do(), nl=False)


if __name__ == "__main__":
    main()
