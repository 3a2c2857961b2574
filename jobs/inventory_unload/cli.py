"""Command line of the inventory stage."""

from __future__ import annotations

from typing import Any

import click

from common.runtime.cli import engine_option, lake_option, project_options, report_errors
from common.runtime.commands import command
from common.runtime.context import run_stage
from common.runtime.parameter_types import MonthType
from common.runtime.version import version_option
from jobs.inventory_unload.config import InventoryConfig


@command(
    name="ndr-inventory-unload",
    epilog="Example: ndr-inventory-unload --month 2026-03 --lake demo/lake",
)
@click.option("--month", type=MonthType(), required=True, metavar="YYYY-MM", help="Month of the snapshot.")
@lake_option
@engine_option
@project_options
@version_option
@report_errors
def main(**options: Any) -> None:
    """Take the machine inventory from Redshift, or from a file, as the snapshot of the month in the lake."""
    from common.runtime.lake_project import with_lake_project
    from jobs.inventory_unload.job import run

    run_stage("ndr-inventory-unload", InventoryConfig.from_options(**with_lake_project(options)), run)
