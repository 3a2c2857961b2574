"""Command line of the report."""

from __future__ import annotations

from typing import Any

import click

from common.detection.alerts.terms import ALERT_SCORE
from common.runtime.cli import lake_option, lake_spec_option, optional_window_option, parameters_option, report_errors
from common.runtime.commands import command
from common.runtime.output import activity
from common.runtime.rows import rows_option
from common.runtime.version import version_option


@command(
    name="ndr-report",
    epilog="Example: ndr-report --lake demo/lake --top 20 --one-per-host",
    groups={"Output": ("top", "one-per-host", "incidents", "min-score", "format", "json")},
)
@lake_option
@optional_window_option("all scored windows")
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
@rows_option
@click.option("--json", "as_json", is_flag=True, help="Print the whole report, with its counts, as one JSON object.")
@lake_spec_option
@parameters_option
@version_option
@report_errors
def main(**options: Any) -> None:
    """Print the highest anomalies of the scored windows and the reasons for each."""
    if options["as_json"] and options["form"]:
        raise click.UsageError("give either --format or --json")
    with activity("loading"):
        from tools.report.config import ReportConfig
        from tools.report.job import run

    run(ReportConfig(**options))
