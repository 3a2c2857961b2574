"""Command line of the demo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from common.runtime.cli import engine_option, report_errors
from common.runtime.commands import command
from common.runtime.parameter_types import PlaceType
from common.runtime.version import version_option
from tools.demo.config import DemoConfig
from tools.demo.job import run

DAYS = click.FloatRange(0, 93, min_open=True)


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
    type=PlaceType(),
    multiple=True,
    metavar="PATH",
    help="Logs: file, folder or glob; repeatable.  [default: simulated logs]",
)
@click.option(
    "--lake",
    type=click.Path(path_type=Path, file_okay=False, resolve_path=True),
    required=True,
    help="Folder of the lake.",
)
@click.option(
    "--scenario",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo/scenario"),
    show_default=True,
    help="Folder of the simulated logs.",
)
@click.option(
    "--aws-home",
    type=click.Path(path_type=Path, file_okay=False, resolve_path=True),
    default=Path("demo/aws"),
    show_default=True,
    help="Folder of the local AWS.",
)
@click.option(
    "--aws-port",
    type=click.IntRange(1024, 65535),
    default=4566,
    show_default=True,
    help="Port of the local AWS on 127.0.0.1.",
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
@click.option("--top", type=click.IntRange(1, 1000), default=20, show_default=True, help="Number of alerts to print.")
@click.option("--log-time-zone", metavar="ZONE", help="Zone of log times without one.  [default: UTC]")
@engine_option
@version_option
@report_errors
def main(**options: Any) -> None:
    """Turn firewall logs into ranked anomalies, and print the top alerts.

    Stages process the history, state machines on a local AWS the last two hours. A second run repeats only steps whose
    logs, options or program changed.
    """
    run(DemoConfig(**options))
