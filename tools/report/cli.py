"""Command line of the report."""

from __future__ import annotations

from typing import Any

import click

from common.detection.alerts.incidents import ALERT_SCORE
from common.runtime.cli import WindowsType, feature_spec_option, lake_option, report_errors
from common.runtime.verbosity import verbosity_options
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
    help="Window or range (END exclusive) to report on.  [default: all scored windows]",
)
@click.option(
    "--top",
    type=click.IntRange(1, 10_000),
    default=20,
    show_default=True,
    help="Number of alerts or incidents to print.",
)
@click.option("--one-per-host", is_flag=True, help="Print only the highest window of each host.")
@click.option(
    "--incidents", is_flag=True, help="Group the windows of one host and technique into incidents, and apply feedback."
)
@click.option(
    "--min-score",
    type=click.FloatRange(0, 1),
    default=ALERT_SCORE,
    show_default=True,
    help="Windows with at least this anomaly_score belong to incidents.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
@feature_spec_option
@click.option(
    "--parameters",
    "parameters_path",
    metavar="FILE",
    help="Project parameters (YAML), which name the horizon of the baselines.  [default: built-in defaults]",
)
@verbosity_options
@version_option
@report_errors
def main(**options: Any) -> None:
    """Print the highest anomalies of the scored windows and the reasons for each."""
    run(ReportConfig(**options))
