"""Command line of feedback."""

from __future__ import annotations

from typing import Any

import click

from common.detection.alerts.incidents import ALERT_SCORE
from common.detection.alerts.suppression import SCOPES, VERDICTS
from common.runtime.cli import lake_option, report_errors
from common.runtime.version import version_option
from tools.feedback.config import FeedbackConfig
from tools.feedback.job import run


@click.command(
    name="ndr-feedback",
    epilog='Example: ndr-feedback --lake ./lake --incident 1f0c77a90b2d --verdict expected --reason "backup job"',
)
@lake_option
@click.option("--incident", metavar="ID", help="Incident of ndr-report --incidents to mark.")
@click.option("--verdict", type=click.Choice(VERDICTS), help="What it was: an attack, a false alarm, or expected.")
@click.option("--reason", default="", help="Why, in a few words; needed with --verdict.")
@click.option(
    "--days",
    type=click.FloatRange(0, 3650, min_open=True),
    default=90.0,
    show_default=True,
    help="Days for which a verdict false or expected suppresses the same from now on.",
)
@click.option(
    "--scope", type=click.Choice(SCOPES), default="host", show_default=True, help="Whose incidents are suppressed."
)
@click.option("--any-peer", is_flag=True, help="Suppress whatever the peer, not only the incident's strongest one.")
@click.option("--remove", metavar="MARK", help="Take a mark away.")
@click.option(
    "--min-score",
    type=click.FloatRange(0, 1),
    default=ALERT_SCORE,
    show_default=True,
    help="The --min-score of the report that showed the incident.",
)
@click.option(
    "--feature-spec-version", default="v1", show_default=True, metavar="VERSION", help="Feature specification."
)
@version_option
@report_errors
def main(**options: Any) -> None:
    """Marks an incident as true, false or expected; without one, lists all marks as JSON lines.

    Scores never change: ndr-report --incidents leaves out what is suppressed, and lists it at its end.
    """
    config = FeedbackConfig(**options)
    if config.incident and (not config.verdict or not config.reason.strip()):
        raise click.UsageError("--incident needs --verdict and --reason")
    if config.verdict and not config.incident:
        raise click.UsageError("--verdict needs --incident")
    if config.incident and config.remove:
        raise click.UsageError("--incident and --remove exclude each other")
    run(config)
