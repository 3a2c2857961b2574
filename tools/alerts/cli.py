"""Command line of ndr-alerts."""

from __future__ import annotations

from typing import Any

import click

from common.runtime.cli import (
    lake_option,
    lake_spec_option,
    min_score_option,
    optional_window_option,
    parameters_option,
    project_name_option,
    report_errors,
)
from common.runtime.commands import command
from common.runtime.loading import loading
from common.runtime.version import version_option
from tools.alerts.config import AlertsConfig

FORMS = ("ocsf", "ecs", "syslog", "cef", "stix", "csv")
TEMPLATES = ("ocsf", "slack", "teams", "pagerduty")


@command(
    name="ndr-alerts",
    epilog="Example: ndr-alerts --lake demo/lake --format ocsf",
    groups={
        "Where to": ("format", "channel", "webhook", "template", "secret-file", "deliver"),
        "Cases": ("window", "min-score"),
    },
)
@lake_option
@optional_window_option("the last day that is scored")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMS),
    default="ocsf",
    show_default=True,
    help="What is printed: OCSF Detection Findings, ECS documents or STIX 2.1 bundles, a JSON object a line; lines of "
    "syslog (RFC 5424) or CEF; or CSV.",
)
@click.option(
    "--channel", metavar="NAME", help="Hand over only what this channel has not had yet, and note what it got."
)
@click.option("--webhook", metavar="URL", help="Send messages to this https:// address instead; needs --channel.")
@click.option(
    "--template", type=click.Choice(TEMPLATES), default="ocsf", show_default=True, help="What the webhook expects."
)
@click.option(
    "--secret-file", metavar="FILE", help="File with the secret that signs messages, or PagerDuty's routing key."
)
@click.option(
    "--deliver",
    metavar="NAME|all",
    help="Send them to this channel of the project's settings, or to all; Secrets Manager has their secrets.",
)
@min_score_option
@project_name_option
@lake_spec_option
@parameters_option
@version_option
@report_errors
def main(**options: Any) -> None:
    """Hand the cases of the scored windows over to other systems: new ones, changed ones and closed ones."""
    config = AlertsConfig(**options)
    if config.webhook and not config.channel:
        raise click.UsageError("--webhook needs --channel")
    if config.deliver and config.channel:
        raise click.UsageError("give either --deliver or --channel")
    with loading():
        from tools.alerts.job import run

    run(config)
