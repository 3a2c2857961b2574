"""Shared parts of all command lines: options, and error reporting."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import click

from common.detection.alerts.terms import ALERT_SCORE
from common.display import lines_on_terminal, on_terminal
from common.errors import NdrError, is_out_of_memory, one_line, worker_cause
from common.runtime.catalog import STAGES
from common.runtime.engine import ENGINES
from common.runtime.events import Event, run_id
from common.runtime.interrupts import Interrupted, end, interruptible, received
from common.runtime.output import close, listening, tell, tell_failure
from common.runtime.parameter_types import PlaceType, UriType, WindowsType
from common.runtime.verbosity import asked_level

Command = Callable[..., Any]

LONGEST_MESSAGE = 2_000
"""Characters of an error message; of a longer one, the middle is left out."""


WINDOW = "A 15-minute window, given by its start (2026-03-10T13:08Z), or a range START/END with END exclusive."


def window_option(function: Command) -> Command:
    """Adds `--window`."""
    return click.option("--window", "windows", type=WindowsType(), required=True, metavar="START[/END]", help=WINDOW)(
        function
    )


def optional_window_option(default: str) -> Callable[[Command], Command]:
    """Adds `--window` of a command that has windows of its own: its help says which."""
    return click.option(
        "--window", "windows", type=WindowsType(), metavar="START[/END]", help=f"{WINDOW}  [default: {default}]"
    )


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
    """Adds `--feature-spec-version` of a command without a lake."""
    return click.option(
        "--feature-spec-version",
        default="v1",
        show_default=True,
        metavar="VERSION",
        help="Version of the feature specification.",
    )(function)


def lake_spec_option(function: Command) -> Command:
    """Adds `--feature-spec-version` of a command with a lake, which knows it."""
    return click.option(
        "--feature-spec-version",
        metavar="VERSION",
        help="Version of the feature specification.  [default: the lake's; v1 for a new one]",
    )(function)


def project_name_option(function: Command) -> Command:
    """Adds `--project-name` of a command with a lake, which knows it."""
    return click.option(
        "--project-name", metavar="NAME", help="Name of the project.  [default: the lake's; local for a new one]"
    )(function)


def parameters_option(function: Command) -> Command:
    """Adds `--parameters` of a command with a lake, which knows them."""
    return click.option(
        "--parameters",
        "parameters_path",
        type=PlaceType(),
        metavar="SOURCE",
        help="Project parameters: a YAML file (a path or s3:// URI) or dynamodb://<table>.  [default: the lake's; "
        "built-in defaults for a new one]",
    )(function)


def project_options(function: Command) -> Command:
    """Adds `--project-name`, `--feature-spec-version`, `--mini-batch-id` and `--parameters`."""
    for option in (
        parameters_option,
        click.option("--mini-batch-id", metavar="ID", help="Mini-batch being processed, for the run report."),
        lake_spec_option,
        project_name_option,
    ):
        function = option(function)
    return function


def stage_options(function: Command) -> Command:
    """Adds the options of every stage that processes windows."""
    return window_option(lake_option(engine_option(project_options(function))))


def report_errors(function: Command) -> Command:
    """Turns failures into one line on stderr and their exit code, mostly 1; `NDR_DEBUG=1` adds the traceback.

    SIGTERM ends the command with exit code 143, Ctrl-C with 130.
    """

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        with interruptible(), listening(asked_level()):
            _say_start()
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
                fail(*error.lines, code=error.exit_code)
            except Exception as error:  # noqa: BLE001 - the last resort: users see no traceback
                fail(str(worker_cause(error) or _unexpected(error)))

    return run


def _say_start() -> None:
    """The first event of a stage, before it loads what takes a second."""
    context = click.get_current_context(silent=True)
    if context and any(context.command.name == stage.command for stage in STAGES):
        tell(Event("info", str(context.command.name), "", "started", run_id(), {}))


def _unexpected(error: Exception) -> str:
    if is_out_of_memory(error):
        return "there is not enough memory. Give the command more, or less input at a time"
    return f"unexpected {type(error).__name__}: {one_line(error)}. Run with NDR_DEBUG=1 to see the traceback"


def fail(message: str, *below: str, code: int = 1) -> None:
    """Prints the message on stderr and exits with the code; a failure after a signal is its consequence."""
    interruption = received()
    if interruption is not None:
        finish(str(interruption), interruption.exit_code)
    if os.environ.get("NDR_DEBUG"):
        click.echo(lines_on_terminal(traceback.format_exc()), err=True, nl=False)
    finish(message, code, below)


def finish(message: str, code: int, below: Sequence[str] = ()) -> None:
    """Prints the message as one line on stderr, and each further one on a line below it, and exits."""
    close()
    lines = [_line(message), *map(_line, below)]
    tell_failure(" ".join(lines))
    click.echo("error: " + "\n  ".join(lines), err=True)
    if sys.stderr is sys.__stderr__ and (code != 1 or "pysail" in sys.modules):
        end(code)
    sys.exit(code)


def _line(message: str) -> str:
    """The message on one line, harmless and not too long."""
    line = on_terminal(" ".join(message.split()))
    if len(line) <= LONGEST_MESSAGE:
        return line
    return f"{line[: LONGEST_MESSAGE // 2]} ... {line[-LONGEST_MESSAGE // 2 :]}"


def by_option(function: Command) -> Command:
    """Adds `--by`, who uses the command."""
    return click.option("--by", default=_user, metavar="NAME", help="Who you are.  [default: your user name]")(function)


def _user() -> str:
    import getpass  # which few commands need

    return getpass.getuser()


def min_score_option(function: Command) -> Command:
    """Adds `--min-score`, from which windows belong to cases."""
    return click.option(
        "--min-score",
        type=click.FloatRange(0, 1),
        default=ALERT_SCORE,
        show_default=True,
        help="Windows with at least this anomaly_score belong to cases, and what lasts below; ids depend on it.",
    )(function)
