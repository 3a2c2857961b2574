"""Command line of ndr-cost."""

from __future__ import annotations

from pathlib import Path

import click

from common.runtime.cli import report_errors
from common.runtime.commands import command
from common.runtime.rows import format_option
from common.runtime.version import version_option


@command(name="ndr-cost", epilog="Example: ndr-cost --rates rates.yaml --reports demo/lake-aws/logs")
@click.option(
    "--rates",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Prices, and what each command runs on; tools/cost/rates.yaml is one without prices.",
)
@click.option(
    "--reports",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Logs of jobs, one file each; folders in it are variants, side by side.",
)
@format_option
@version_option
@report_errors
def main(rates: Path, reports: Path, form: str) -> None:
    """Say what a million sessions cost, by command, and for each folder of logs.

    Seconds and bytes are those of the run reports in the logs; prices are only those given.
    """
    from tools.cost.config import CostConfig
    from tools.cost.job import run  # needs pydantic, which help does not

    run(CostConfig(rates, reports, form))
