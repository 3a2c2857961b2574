"""Command line of ndr-feedback: what people make of cases."""

from __future__ import annotations

from typing import Any

import click

from common.detection.alerts.terms import IN_PROGRESS, NEW, PAIR, SCOPES, STATUSES
from common.runtime.cli import by_option, lake_option, lake_spec_option, min_score_option, report_errors
from common.runtime.commands import command
from common.runtime.loading import loading
from common.runtime.parameter_types import PlaceType
from common.runtime.rows import format_option
from common.runtime.version import version_option
from tools.feedback.config import FeedbackConfig


@command(
    name="ndr-feedback",
    epilog='Example: ndr-feedback --lake demo/lake --case 1f0c77a90b2d --status expected --note "new backup job"',
    groups={
        "Case": ("case", "status", "note", "owner", "by", "scope", "days", "preview", "min-score"),
        "Allow list": ("allow-list",),
    },
)
@lake_option
@click.option("--case", metavar="ID", help="Case to change, from ndr-report --cases; without --status, its history.")
@click.option("--status", type=click.Choice(STATUSES), help="How the case stands from now on.")
@click.option("--note", default="", metavar="TEXT", help="Why; required for a verdict and to close a case.")
@click.option("--owner", metavar="NAME", help="Who works on the case.  [default: whoever did]")
@by_option
@click.option(
    "--scope",
    type=click.Choice(SCOPES),
    default=PAIR,
    show_default=True,
    help="What false and expected hide, of the same technique: the same source with the same peers, the same source "
    "(host), the same peers of its segment, or the same peers of any source (behaviour).",
)
@click.option(
    "--days",
    type=click.FloatRange(0, 3650, min_open=True),
    default=90.0,
    show_default=True,
    help="Days, from now, in which false and expected hide cases that begin.",
)
@click.option("--preview", is_flag=True, help="Only say which cases of the last 30 days it would hide.")
@click.option(
    "--allow-list",
    type=PlaceType(),
    metavar="FILE",
    help="Put this allow list in place (YAML), or with --preview only say what each entry would hide.",
)
@min_score_option
@lake_spec_option
@format_option
@version_option
@report_errors
def main(**options: Any) -> None:
    """Say how a case stands: new, in progress, true, false, expected or closed; without --case, list how all stand.

    Scores never change: ndr-report --cases omits what is false, expected or closed, and lists it at its end. With
    --allow-list, a file that a team reviews says what is expected.
    """
    config = FeedbackConfig(**options)
    if config.status and not config.case:
        raise click.UsageError("--status needs --case")
    if config.status and config.status not in (NEW, IN_PROGRESS) and not config.note.strip():
        raise click.UsageError(f"--status {config.status} needs --note")
    if config.preview and not (config.status or config.allow_list):
        raise click.UsageError("--preview needs --status or --allow-list")
    if config.allow_list and config.case:
        raise click.UsageError("give either --case or --allow-list")
    with loading():
        from tools.feedback.allowing import allow
        from tools.feedback.job import run

    (allow if config.allow_list else run)(config)
