"""Commands of the project, called in this process or started as users start them."""

from __future__ import annotations

import json
import sysconfig
from pathlib import Path

import click
from click.testing import CliRunner

from common.windows import Windows
from tests.types import Run

Argument = str | Path | Windows


def call(command: click.Command, *arguments: Argument) -> tuple[int, str, str]:
    """The exit code, stdout and stderr of the command, called in this process."""
    result = CliRunner().invoke(command, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


def run(command: click.Command, *arguments: Argument) -> Run:
    """The exit code, the run report and stderr of a stage, called in this process; a failed run has an empty report."""
    code, output, error = call(command, *arguments)
    return code, json.loads(output) if code == 0 else {}, error


def error_lines(stderr: str) -> list[str]:
    """What a command wrote on stderr besides its log records."""
    return [line for line in stderr.splitlines() if not line.startswith("{")]


def command_line(name: str, *arguments: Argument) -> list[str]:
    """The command line that starts an installed command."""
    return [str(Path(sysconfig.get_path("scripts")) / name), *map(str, arguments)]
