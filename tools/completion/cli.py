"""Command line of shell completion."""

from __future__ import annotations

import click

from common.runtime.cli import report_errors
from common.runtime.commands import command
from common.runtime.version import version_option
from tools.completion.script import SHELLS


@command(name="ndr-completion", epilog="Example: source <(ndr-completion bash)")
@click.argument("shell", type=click.Choice(SHELLS))
@version_option
@report_errors
def main(shell: str) -> None:
    """Print the script with which a shell completes all commands, their options and values.

    Source it in the shell, or write it to a file that your shell reads when it starts: then no command runs for it.
    """
    from tools.completion.script import script

    click.echo(script(shell), nl=False)
