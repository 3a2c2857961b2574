"""Command line of the demo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from common.errors import NdrError
from common.runtime.cli import engine_option, report_errors
from common.runtime.commands import command
from common.runtime.parameter_types import PlaceType, UriType
from common.runtime.version import version_option
from common.storage.filesystems import normal_uri
from tools.demo.config import DemoConfig

DAYS = click.FloatRange(0, 93, min_open=True)


class LocalType(PlaceType):
    """A path on this machine, also as a `file://` URI."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The path, absolute if it was a URI; fails with a usage error that names the value."""
        if "://" not in value:
            return str(value)
        try:
            path = normal_uri(value)
        except NdrError as error:
            self.fail(str(error), param, ctx)
        if "://" in path:
            self.fail(
                f"{value} is not on this machine, and the demo works on one machine alone. Give a folder; the stages "
                "(ndr-delta --lake s3://...) work on S3",
                param,
                ctx,
            )
        return path


class FolderType(LocalType):
    """A folder on this machine, which need not exist."""

    name = "folder"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The absolute path; fails with a usage error that names the value."""
        path = Path(super().convert(str(value), param, ctx)).resolve()
        if path.exists() and not path.is_dir():
            self.fail(f"{value} is a file. Name a folder", param, ctx)
        return path

    shell_complete = UriType.shell_complete


@command(
    name="ndr-demo",
    epilog="Example: ndr-demo --lake demo/lake",
    groups={
        "Input": ("input", "scenario"),
        "Windows": ("train-days", "score-days"),
        "Local AWS": ("aws-home", "aws-port"),
        "Output": ("top",),
    },
)
@click.option(
    "--input",
    "inputs",
    multiple=True,
    type=LocalType(),
    metavar="PATH",
    help="Logs: file, folder or glob; repeatable.  [default: simulated logs]",
)
@click.option("--lake", type=FolderType(), required=True, metavar="FOLDER", help="Folder of the lake.")
@click.option(
    "--scenario",
    type=FolderType(),
    default="demo/scenario",
    show_default=True,
    metavar="FOLDER",
    help="Folder of the simulated logs.",
)
@click.option(
    "--aws-home",
    type=FolderType(),
    metavar="FOLDER",
    help="Folder of the local AWS.  [default: beside the lake, with -aws after its name]",
)
@click.option(
    "--aws-port",
    type=click.IntRange(1024, 65535),
    help="Port of the local AWS on 127.0.0.1.  [default: where it runs, or the port of its last start, or 4566, or the "
    "next one that is free]",
)
@click.option(
    "--train-days", type=DAYS, metavar="DAYS", help="Days to train on.  [default: all before the scored days]"
)
@click.option(
    "--score-days",
    type=DAYS,
    metavar="DAYS",
    help="Days to score, at the end of the logs.  [default: 1, or a quarter of less than 4]",
)
@click.option("--top", type=click.IntRange(1, 1000), default=20, show_default=True, help="Number of cases to print.")
@click.option("--log-time-zone", metavar="ZONE", help="Zone of log times without one.  [default: UTC]")
@engine_option
@version_option
@report_errors
def main(**options: Any) -> None:
    """Turn firewall logs into ranked anomalies, and print the top cases.

    Stages process the history, state machines on a local AWS the last two hours. A second run repeats only steps whose
    logs, options or program changed.
    """
    from tools.demo.job import run

    given = options.pop("aws_home")
    lake: Path = options["lake"]
    run(DemoConfig(**options, aws_home=given or lake.with_name(f"{lake.name}-aws")))
