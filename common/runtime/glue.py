"""Commands that also run as jobs of Glue."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

import click

from common.runtime.cli import Command
from common.runtime.commands import NdrCommand
from common.runtime.metrics import VARIABLE
from common.storage.filesystems import normal_uri

DRIVERS = ("auto", "processes", "spark")
MOST_PROCESSES = 2
"""More of them need more than 512 MiB."""

OF_GLUE, OF_METRICS = "--JOB_NAME", "--METRICS"


def driver_options(function: Command) -> Command:
    """Adds `--driver` and `--processes`, and Glue's own name of the job."""
    for option in (
        click.option(OF_GLUE, "job_name", hidden=True),
        click.option(
            "--processes",
            type=click.IntRange(1),
            help=f"Processes that work at once.  [default: one per core, at most {MOST_PROCESSES}]",
        ),
        click.option(
            "--driver",
            type=click.Choice(DRIVERS),
            default="auto",
            show_default=True,
            help="What does the work: processes of this machine, or classic Spark; auto: Spark in a Glue job that "
            "has it.",
        ),
    ):
        function = option(function)
    return function


def chosen_driver(driver: str, processes: int | None, job_name: str | None) -> tuple[int, bool]:
    """How many processes work at once, and whether Spark does instead, as the options say."""
    on_spark = driver == "spark" or (driver == "auto" and job_name is not None and has_classic_spark())
    return processes or min(os.cpu_count() or 1, MOST_PROCESSES), on_spark


def _want_metrics(context: click.Context, parameter: click.Parameter, namespace: str | None) -> None:
    if namespace:
        os.environ[VARIABLE] = namespace


class GlueCommand(NdrCommand):
    """A command that also runs as a Glue job: it ignores Glue's own arguments there, and raises its failures.

    `--METRICS` names the namespace of its metrics: a job of Glue has no environment variables of its own.
    """

    def __init__(self, *args: Any, **extra: Any) -> None:
        super().__init__(*args, **extra)
        self.params.append(click.Option([OF_METRICS], hidden=True, expose_value=False, callback=_want_metrics))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As usual; what Glue adds to the arguments of the job is ignored."""
        if OF_GLUE in args:
            ctx.ignore_unknown_options = ctx.allow_extra_args = True
        return super().parse_args(ctx, args)

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """As click does it; without `standalone_mode`, what ended the command is raised instead of `SystemExit`."""
        try:
            return super().main(*args, standalone_mode=standalone_mode, **extra)  # type: ignore[call-overload]
        except SystemExit as error:
            if standalone_mode or not isinstance(error.__context__, Exception):
                raise
            raise error.__context__ from None


class BucketType(click.ParamType[str]):
    """A bucket by its name, or a location."""

    name = "bucket"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The normal URI."""
        text = str(value)
        return normal_uri(text if "/" in text else f"s3://{text}")


def has_classic_spark() -> bool:
    """Whether pyspark is here with its jars, which the client for Spark Connect has not."""
    found = importlib.util.find_spec("pyspark")
    return found is not None and found.origin is not None and Path(found.origin).with_name("jars").is_dir()
