"""Command line of ndr-feedback: verdicts on incidents, and suppression."""

from __future__ import annotations

from typing import Any

import click

from common.detection.alerts.terms import ALERT_SCORE, SCOPES, VERDICTS
from common.runtime.cli import lake_option, lake_spec_option, report_errors
from common.runtime.commands import command
from common.runtime.output import activity
from common.runtime.rows import format_option
from common.runtime.version import version_option
from tools.feedback.config import SuppressionConfig


@command(
    name="ndr-feedback",
    epilog='Example: ndr-feedback --lake demo/lake --incident 1f0c77a90b2d --verdict expected --reason "backup job"',
    groups={"Verdict": ("incident", "verdict", "reason", "days", "scope", "any-peer", "min-score", "remove")},
)
@lake_option
@click.option("--incident", metavar="ID", help="Incident to mark, from ndr-report --incidents.")
@click.option("--verdict", type=click.Choice(VERDICTS), help="The incident was an attack, a false alarm, or expected.")
@click.option("--reason", default="", help="Reason for the verdict; required with --verdict.")
@click.option(
    "--days",
    type=click.FloatRange(0, 3650, min_open=True),
    default=90.0,
    show_default=True,
    help="Days, from now, for which the verdicts false and expected suppress repetitions.",
)
@click.option(
    "--scope",
    type=click.Choice(SCOPES),
    default="host",
    show_default=True,
    help="Suppress incidents of this host, or of its segment.",
)
@click.option("--any-peer", is_flag=True, help="Suppress incidents with any peer, not only the strongest one.")
@click.option("--remove", metavar="MARK", help="Delete a mark.")
@click.option(
    "--min-score",
    type=click.FloatRange(0, 1),
    default=ALERT_SCORE,
    show_default=True,
    help="The --min-score of the report that listed the incident.",
)
@lake_spec_option
@format_option
@version_option
@report_errors
def main(**options: Any) -> None:
    """Mark an incident as true, false or expected; without --incident, list all marks.

    Scores never change: ndr-report --incidents omits suppressed incidents and lists them at its end.
    """
    with activity("loading"):
        from tools.feedback.job import run

    config = SuppressionConfig(**options)
    if config.incident and (not config.verdict or not config.reason.strip()):
        raise click.UsageError("--incident needs --verdict and --reason")
    if config.verdict and not config.incident:
        raise click.UsageError("--verdict needs --incident")
    if config.incident and config.remove:
        raise click.UsageError("give either --incident or --remove")
    run(config)
