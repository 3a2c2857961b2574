"""Command line of the report."""

from __future__ import annotations

from typing import Any

import click

from common.detection.alerts.incidents import ALERT_SCORE
from common.runtime.cli import WindowsType, lake_option, report_errors
from common.runtime.version import version_option
from tools.report.config import ReportConfig
from tools.report.job import run


@click.command(
    name="ndr-report",
    epilog="Example: ndr-report --lake ./lake --top 20 --one-per-host",
)
@lake_option
@click.option(
    "--window",
    "windows",
    type=WindowsType(),
    metavar="START[/END]",
    help="Window or range (END exclusive) to report on; without it, all that was scored.",
)
@click.option(
    "--top", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Alerts or incidents to print."
)
@click.option("--one-per-host", is_flag=True, help="Only the highest window of each host.")
@click.option("--incidents", is_flag=True, help="Windows of one host and behaviour as one incident, after feedback.")
@click.option(
    "--min-score",
    type=click.FloatRange(0, 1),
    default=ALERT_SCORE,
    show_default=True,
    help="Lowest anomaly_score of a window that belongs to an incident, inclusive.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
@click.option(
    "--feature-spec-version", default="v1", show_default=True, metavar="VERSION", help="Feature specification."
)
@click.option(
    "--parameters",
    "parameters_path",
    metavar="FILE",
    help="Project parameters (YAML), for the horizon of the baselines; without it, the defaults.",
)
@version_option
@report_errors
def main(**options: Any) -> None:
    """Prints the highest anomalies of the scored windows, and what made each of them one."""
    run(ReportConfig(**options))
