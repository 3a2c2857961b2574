"""Command line of the demo of Customer 360."""

from __future__ import annotations

from pathlib import Path

import click

from common.runtime.cli import report_errors
from common.runtime.commands import command
from common.runtime.version import version_option


@command(name="c360-demo", epilog="Example: c360-demo --home demo/c360")
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo/c360"),
    show_default=True,
    help="Folder of the simulated files, the local AWS and the warehouse.",
)
@click.option("--days", type=click.IntRange(1, 366), default=5, show_default=True, help="Days to simulate.")
@click.option(
    "--customers", type=click.IntRange(100), default=200, show_default=True, help="Customers on the first of them."
)
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the local AWS.  [default: that of ndr-local]")
@version_option
@report_errors
def main(home: Path, days: int, customers: int, port: int | None) -> None:
    """Run some days of Customer 360 as deployed on the local AWS, and show what became of them.

    Simulates what sources deliver, uploads the files of each day, starts what the schedule starts, and loads the
    warehouse. A second run delivers the same files again: it changes nothing, and says so.
    """
    from tools.c360_demo.job import run

    run(home.resolve(), days, customers, port)
