"""Command line of the simulator of Customer 360's sources."""

from __future__ import annotations

import json
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from common.runtime.cli import report_errors
from common.runtime.commands import command
from common.runtime.run_report import RunReport
from common.runtime.version import version_option
from tools.c360_simulate.config import SHAPES, SimulateConfig

_option = partial(click.option, show_default=True)


@command(
    "c360-simulate",
    epilog="Example: c360-simulate --out demo/telco --days 5 --customers 200",
    groups={
        "Scenario": ("start", "days", "customers", "seed", "shape", "events"),
        "Output": ("out", "overwrite"),
    },
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to create.")
@_option(
    "--start",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    default=str(SimulateConfig.start),
    help="First business date.",
)
@_option("--days", default=SimulateConfig.days, help="Number of business dates, 1 to 366.")
@_option("--customers", default=SimulateConfig.customers, help="Number of customers on the first day, 100 to 100000.")
@_option("--seed", default=SimulateConfig.seed, help="Random seed; equal options give equal bytes.")
@_option(
    "--shape",
    type=click.Choice(SHAPES),
    default=SimulateConfig.shape,
    help="Daily files with the dirt of real sources, or one delivery of clean files.",
)
@_option("--events", default=SimulateConfig.events, help="Mean number of events of a customer and day.")
@click.option("--overwrite", is_flag=True, help="Replace an earlier scenario in the folder.")
@version_option
@report_errors
def main(start: datetime, **given: Any) -> None:
    """Simulate what a telecom operator's sources deliver, with the tables that must come out of it.

    Writes the files of each day of delivery to day=<date>/raw, the truth to truth/*.ndjson, and prints the counts as
    JSON.
    """
    config = SimulateConfig(start=start.date(), **given)
    report = RunReport("c360-simulate")
    with report.step("simulate"):
        from tools.c360_simulate.job import run

        counts = run(config)
    click.echo(json.dumps(counts, ensure_ascii=False))


if __name__ == "__main__":
    main()
