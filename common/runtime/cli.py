"""Shared parts of all command lines: options, parameter types, and error reporting."""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

import click

from common.display import lines_on_terminal, on_terminal
from common.errors import NdrError, is_out_of_memory, one_line, worker_cause
from common.runtime.engine import ENGINES
from common.runtime.interrupts import Interrupted, end, interruptible, received
from common.runtime.output import close, listening, tell_failure
from common.runtime.verbosity import asked_level, verbosity_options
from common.storage.files import read_lines
from common.storage.filesystems import normal_uri
from common.windows import Windows, parse_moment

Command = Callable[..., Any]

LONGEST_MESSAGE = 2_000
"""Characters of an error message; of a longer one, the middle is left out."""


class WindowsType(click.ParamType[Windows]):
    """A window, or a half-open range of windows."""

    name = "window"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Windows:
        """The parsed windows; fails with a usage error that names the value."""
        if isinstance(value, Windows):
            return value
        try:
            return Windows.parse(value)
        except NdrError as error:
            self.fail(str(error), param, ctx)


class WindowListType(click.ParamType[tuple[Windows, ...] | None]):
    """Comma-separated windows and ranges, `@FILE` with one per line, or a word that stands for all."""

    name = "windows"

    def __init__(self, word: str) -> None:
        self.word = word

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Windows, ...] | None:
        """The distinct single windows, sorted; None for the word; fails with a usage error that names the value."""
        if value == self.word or isinstance(value, tuple):
            return None if value == self.word else value
        try:
            texts = read_lines(value[1:]) if value.startswith("@") else value.split(",")
            named = {window for text in texts for window in Windows.parse(text.strip())}
        except NdrError as error:
            self.fail(f"{error}; or give {self.word!r}", param, ctx)
        return tuple(sorted(named))


class MomentType(click.ParamType[datetime]):
    """A time with a time zone."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The UTC time; fails with a usage error that names the value."""
        if isinstance(value, datetime):
            return value
        try:
            return parse_moment(value)
        except NdrError as error:
            self.fail(str(error), param, ctx)


class UriType(click.ParamType[str]):
    """A path, `file://` or `s3://` URI."""

    name = "uri"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The URI without its trailing slash; fails with a usage error that names the value."""
        try:
            return normal_uri(value)
        except NdrError as error:
            self.fail(str(error), param, ctx)


class MonthType(click.ParamType[str | None]):
    """A calendar month, `YYYY-MM`; if `automatic`, also `auto`: the stage chooses."""

    name = "month"

    def __init__(self, automatic: bool = False) -> None:
        self.automatic = automatic

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str | None:
        """The month as given, None for `auto`; fails with a usage error that names the value."""
        if self.automatic and value == "auto":
            return None
        if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", value):
            self.fail(f"{value!r} is not a month. Use the form 2026-03", param, ctx)
        return str(value)


def window_option(function: Command) -> Command:
    """Adds `--window`."""
    return click.option(
        "--window",
        "windows",
        type=WindowsType(),
        required=True,
        metavar="START[/END]",
        help="A 15-minute window, given by its start (2026-03-10T13:08Z), or a range START/END with END exclusive.",
    )(function)


def lake_option(function: Command) -> Command:
    """Adds `--lake`."""
    return click.option(
        "--lake", "lake_uri", type=UriType(), required=True, metavar="URI", help="Lake: a path, file:// or s3:// URI."
    )(function)


def engine_option(function: Command) -> Command:
    """Adds `--engine`."""
    return click.option(
        "--engine", type=click.Choice(ENGINES), default="sail", show_default=True, help="Compute engine."
    )(function)


def feature_spec_option(function: Command) -> Command:
    """Adds `--feature-spec-version`."""
    return click.option(
        "--feature-spec-version",
        default="v1",
        show_default=True,
        metavar="VERSION",
        help="Version of the feature specification.",
    )(function)


def project_options(function: Command) -> Command:
    """Adds `--project-name`, `--feature-spec-version`, `--mini-batch-id` and `--parameters`."""
    for option in (
        click.option(
            "--parameters",
            "parameters_path",
            metavar="SOURCE",
            help="Project parameters: a YAML file (a path or s3:// URI) or dynamodb://<table>.  [default: built-in "
            "defaults]",
        ),
        click.option("--mini-batch-id", metavar="ID", help="Mini-batch being processed, for the run report."),
        feature_spec_option,
        click.option("--project-name", default="local", show_default=True, metavar="NAME", help="Name of the project."),
    ):
        function = option(function)
    return function


def stage_options(function: Command) -> Command:
    """Adds the options of every stage that processes windows."""
    return window_option(lake_option(engine_option(project_options(verbosity_options(function)))))


def report_errors(function: Command) -> Command:
    """Turns failures into one line on stderr and exit code 1; `NDR_DEBUG=1` adds the traceback.

    SIGTERM ends the command with exit code 143, Ctrl-C with 130.
    """

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        with interruptible(), listening(asked_level()):
            try:
                return function(*args, **kwargs)
            except Interrupted as error:
                finish(str(error), error.exit_code)
            except (click.ClickException, click.exceptions.Exit, click.Abort):
                raise
            except BrokenPipeError:
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                sys.exit(0)
            except NdrError as error:
                fail(str(error))
            except Exception as error:  # noqa: BLE001 - the last resort: users see no traceback
                fail(str(worker_cause(error) or _unexpected(error)))

    return run


def _unexpected(error: Exception) -> str:
    if is_out_of_memory(error):
        return "there is not enough memory. Give the command more, or less input at a time"
    return f"unexpected {type(error).__name__}: {one_line(error)}. Run with NDR_DEBUG=1 to see the traceback"


def fail(message: str) -> None:
    """Prints the message as one line on stderr and exits with code 1; a failure after a signal is its consequence."""
    interruption = received()
    if interruption is not None:
        finish(str(interruption), interruption.exit_code)
    if os.environ.get("NDR_DEBUG"):
        click.echo(lines_on_terminal(traceback.format_exc()), err=True, nl=False)
    finish(message, 1)


def finish(message: str, code: int) -> None:
    """Prints the message as one line on stderr, and exits."""
    close()
    line = on_terminal(" ".join(message.split()))
    if len(line) > LONGEST_MESSAGE:
        line = f"{line[: LONGEST_MESSAGE // 2]} ... {line[-LONGEST_MESSAGE // 2 :]}"
    tell_failure(line)
    click.echo(f"error: {line}", err=True)
    if sys.stderr is sys.__stderr__ and (code != 1 or "pysail" in sys.modules):
        end(code)
    sys.exit(code)
