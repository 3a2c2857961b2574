"""Hands cases over to the channels of a project's settings, whose addresses and secrets are in Secrets Manager."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from common.aws.secrets import read_secret
from common.config.project import AlertChannel
from common.display import counted
from common.errors import HandoverError, InputError, NdrError, RefusedMessageError
from common.lake.lake import Lake
from common.runtime.lake_project import LakeProject
from common.runtime.output import message
from tools.alerts.handover import Channel, Handover
from tools.alerts.webhooks import PAGERDUTY, Webhook, checked_url

ALL = "all"
REFUSALS_MOST = 5
"""Messages that a channel refuses before it is left alone until the next run."""


def configured(project: LakeProject, name: str) -> dict[str, AlertChannel]:
    """The channel of that name, or all of them, in the order of their names.

    Raises:
        InputError: there is none.
    """
    channels = project.settings.alerts
    found = {known: channels[known] for known in sorted(channels) if name in (known, ALL)}
    if not found:
        raise InputError(
            f"the settings of project {project.name} have no channel {name}; they have {', '.join(channels) or 'none'}",
            "Add it to alerts in the project's settings",
        )
    return found


def deliver(
    lake: Lake,
    cases: Sequence[Mapping[str, Any]],
    over: Callable[[str], Mapping[str, Any] | None],
    channels: Mapping[str, AlertChannel],
    project: str,
) -> None:
    """Tells each channel of what it does not know yet, and prints how many messages each has taken.

    A channel that fails holds up no other. `over` is that of `Channel.news`.

    Raises:
        HandoverError: some have failed.
    """
    taken: dict[str, int] = {}
    failures: list[str] = []
    for name, settings in channels.items():
        channel = Channel(lake, name)
        try:
            _send_what_is_taken(_webhook(settings, project), channel, channel.news(cases, over))
        except NdrError as error:
            failures.append(f"channel {name}: {error.problem}")
            message(failures[-1], "warning")
        taken[name] = channel.noted
    click.echo(json.dumps({"project_name": project, "cases": len(cases), "taken": taken, "failed": failures}))
    if failures:
        raise HandoverError(
            f"{counted(len(failures), 'channel')} of {len(channels)} failed: {'; '.join(failures)}",
            "Run again once they take messages; what was taken is not sent twice",
        )


def send_all(webhook: Webhook, channel: Channel, handovers: Iterable[Handover]) -> None:
    """Sends messages in order, and notes each as soon as it is taken.

    Raises:
        HandoverError: one was not taken; those before it are noted.
    """
    for handover in handovers:
        now = datetime.now(UTC)
        webhook.send(handover, now)
        channel.note(handover, now)


def _send_what_is_taken(webhook: Webhook, channel: Channel, handovers: Iterable[Handover]) -> None:
    """As `send_all`, but a message that is refused does not hold up those after it, unless many are.

    Raises:
        HandoverError: some were not taken.
    """
    refused: list[RefusedMessageError] = []
    for handover in handovers:
        try:
            send_all(webhook, channel, [handover])
        except RefusedMessageError as error:
            refused.append(error)
            if len(refused) == REFUSALS_MOST:
                break
    if refused:
        raise refused[0]


def _webhook(channel: AlertChannel, project: str) -> Webhook:
    """The webhook that a channel's secret describes.

    Raises:
        InputError: the secret lacks a part.
    """
    secret = read_secret(channel.secret)
    try:
        url = checked_url(secret.get("url", ""))
    except InputError:
        # without the address, which is a secret itself
        raise InputError(f"the url of the secret {channel.secret} is no https:// address", "Correct it") from None
    if channel.template == PAGERDUTY and not secret.get("secret"):
        raise InputError(f"the secret {channel.secret} has no routing key", "Store it as secret") from None
    return Webhook(url, channel.template, secret.get("secret", ""), project)
