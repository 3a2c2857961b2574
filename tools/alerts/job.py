"""Hands cases over to other systems."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from common.cases.customers import finder
from common.cases.inventory import read_inventory
from common.cases.met import met_in
from common.cases.views import case_views
from common.detection.alerts.cases import find_cases, last_days, scored_windows
from common.detection.alerts.planned import read_rules
from common.detection.alerts.triage import read_changes, standing, triaged
from common.display import counted
from common.errors import InputError
from common.features.spec import load_spec
from common.lake.lake import Lake
from common.runtime.lake_project import LakeProject, lake_project
from common.runtime.output import activity, message
from tools.alerts.config import AlertsConfig
from tools.alerts.delivery import configured, deliver, send_all
from tools.alerts.formats import ecs, lines, ocsf, stix
from tools.alerts.formats.table import COLUMNS, row
from tools.alerts.handover import Channel, Handover, first_handover
from tools.alerts.meetings import alone
from tools.alerts.webhooks import PAGERDUTY, Webhook, checked_url

Written = Callable[[Handover, str, datetime], Any]
DOCUMENTS: dict[str, Written] = {"ocsf": ocsf.finding, "ecs": ecs.document, "stix": stix.bundle}
LINES: dict[str, Written] = {"syslog": lines.syslog, "cef": lines.cef}


def run(config: AlertsConfig) -> None:
    """Prints or sends what the cases of the windows are, or what the channel does not know of them yet."""
    webhook_url = checked_url(config.webhook) if config.webhook else None
    project = lake_project(config.lake_uri, config.project_name, config.feature_spec_version, config.parameters_path)
    channels = configured(project, config.deliver) if config.deliver else {}
    lake = Lake.opened(config.lake_uri, load_spec(project.feature_spec_version))
    with activity("finding cases"):
        cases, over = _found(config, lake, project)
    if config.deliver:
        deliver(lake, cases, over, channels, project.name)
        return
    channel = Channel(lake, config.channel) if config.channel else None
    handovers = channel.news(cases, over) if channel else [first_handover(case) for case in cases]
    if webhook_url:
        webhook = Webhook(webhook_url, config.template, _secret(config), project.name)
        assert channel
        send_all(webhook, channel, handovers)
        message(f"{counted(len(handovers), 'message')} taken by channel {config.channel}", "info")
        return
    for handover, now in _printed(handovers, config.form, project.name):
        if channel:
            channel.note(handover, now)


def _found(
    config: AlertsConfig, lake: Lake, project: LakeProject
) -> tuple[list[dict[str, Any]], Callable[[str], Mapping[str, Any] | None]]:
    """The cases of the windows, hidden ones too, the first to begin first; then meetings that no case is about.

    With what closes messages about such meetings.
    """
    scored = scored_windows(lake)
    if scored is None:
        return [], lambda _: None
    windows, changes = config.windows or last_days(scored, 1.0), read_changes(lake)
    found = sorted(find_cases(lake, lake.spec, windows, config.min_score), key=lambda case: (case.start, case.source))
    rules = {case.case_id: rule for case, rule in triaged(found, changes, read_rules(lake))[1]}
    inventory, met = read_inventory(lake), met_in(lake, windows, found)
    customer_of = finder(project.settings.customer_ranges)
    horizon = project.settings.model_horizon
    views = case_views(lake, lake.spec, horizon, found, standing(changes), rules, inventory, met, customer_of)
    others = alone(lake, windows, met, inventory, config.min_score, datetime.now(UTC))
    return [*(view.to_dict() for view in views), *others.messages()], others.over


def _printed(handovers: list[Handover], form: str, project: str) -> Iterator[tuple[Handover, datetime]]:
    """Prints each message; gives it back once it is out."""
    table = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\r\n") if form == "csv" else None
    if table:
        table.writeheader()
    for handover in handovers:
        now = datetime.now(UTC)
        if table:
            table.writerow(row(handover, project, now))
        elif form in LINES:
            click.echo(LINES[form](handover, project, now))
        else:
            click.echo(json.dumps(DOCUMENTS[form](handover, project, now)))
        sys.stdout.flush()
        yield handover, now


def _secret(config: AlertsConfig) -> str:
    """The secret of the webhook, from its file."""
    if not config.secret_file:
        if config.template == PAGERDUTY:
            raise InputError("the template pagerduty needs its routing key", "Give it in a file with --secret-file")
        return ""
    try:
        return Path(config.secret_file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{config.secret_file} cannot be read: {error}", "Check --secret-file") from None
