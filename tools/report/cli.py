"""Command line of the report."""

from __future__ import annotations

from typing import Any

import click
from click.core import ParameterSource

from common.detection.alerts.terms import STATUSES
from common.runtime.cli import (
    lake_option,
    lake_spec_option,
    min_score_option,
    optional_window_option,
    parameters_option,
    report_errors,
)
from common.runtime.commands import command
from common.runtime.loading import loading
from common.runtime.parameter_types import AddressType
from common.runtime.rows import rows_option
from common.runtime.version import version_option


@command(
    name="ndr-report",
    epilog="Example: ndr-report --lake demo/lake --cases",
    groups={
        "Windows": ("window", "days"),
        "Cases": ("cases", "host", "peer", "behaviour", "status", "min-score"),
        "Output": ("top", "one-per-host", "format", "json"),
    },
)
@lake_option
@optional_window_option("the last --days that are scored")
@click.option(
    "--days",
    type=click.FloatRange(0, 3650, min_open=True),
    default=1.0,
    show_default=True,
    help="Days to report on, up to the last window that is scored; not with --window.",
)
@click.option(
    "--top",
    type=click.IntRange(1, 10_000),
    default=20,
    show_default=True,
    help="Number of alerts or cases to print.",
)
@click.option("--one-per-host", is_flag=True, help="Print only the highest window of each host.")
@click.option("--cases", is_flag=True, help="Put alerts of one story together as cases, and apply triage.")
@click.option("--host", type=AddressType(), metavar="ADDRESS", help="Only cases that this host began or alerted in.")
@click.option("--peer", type=AddressType(), metavar="ADDRESS", help="Only cases with this end of a contact.")
@click.option("--behaviour", metavar="NAME", help="Only cases that resemble this technique, such as beacon.")
@click.option(
    "--status", type=click.Choice(STATUSES), help="Only cases of this status, hidden ones included.  [default: any]"
)
@min_score_option
@rows_option
@click.option("--json", "as_json", is_flag=True, help="Print the whole report, with its counts, as one JSON object.")
@lake_spec_option
@parameters_option
@version_option
@report_errors
def main(**options: Any) -> None:
    """Print the highest anomalies of the scored windows, or the cases that they belong to, and the reasons for each."""
    if options["as_json"] and options["form"]:
        raise click.UsageError("give either --format or --json")
    context = click.get_current_context()
    if options["windows"] and context.get_parameter_source("days") is not ParameterSource.DEFAULT:
        raise click.UsageError("give either --window or --days")
    filters = {name: options.pop(name) for name in ("host", "peer", "behaviour", "status")}
    if any(filters.values()) and not options["cases"]:
        raise click.UsageError("--host, --peer, --behaviour and --status need --cases")
    with loading():
        from common.detection.alerts.techniques import TECHNIQUES
        from tools.report.config import CaseFilter, ReportConfig
        from tools.report.job import run

    names = [technique.name for technique in TECHNIQUES]
    if filters["behaviour"] not in (None, *names):
        wrong = f"--behaviour {filters['behaviour']!r} is nothing that a case resembles"
        raise click.UsageError(f"{wrong}. Give one of {', '.join(names)}")
    run(ReportConfig(**options, only=CaseFilter(**filters)))
