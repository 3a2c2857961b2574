"""Messages to a webhook: signed, each with its deduplication key, and tried again where that can help."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from common.errors import HandoverError, InputError, RefusedMessageError
from common.retries import Retries, TryAgainError, retried
from tools.alerts.formats.ocsf import finding
from tools.alerts.formats.times import to_the_second
from tools.alerts.handover import CLOSE, UPDATE, Handover

RETRIES = Retries(tries=6, first_pause_seconds=0.5, longest_pause_seconds=20, seconds=120)
TIMEOUT_SECONDS = 15
AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
SIGNATURE, STAMP, KEY = "X-NDR-Signature", "X-NDR-Timestamp", "Idempotency-Key"
SLACK_MOST, TEAMS_MOST, PAGERDUTY_MOST = 3000, 2000, 1024
"""Characters of a text: Slack and PagerDuty refuse more, and Teams messages of more than 28 kB, of which JSON takes 12
bytes for an emoji."""

CUT_ENTITY = re.compile("&[a-z]*$")
"""An escaped character that was cut."""

PAGED = {"critical": "critical", "high": "error", "medium": "warning", "low": "info"}


@dataclass(frozen=True)
class Webhook:
    """Where messages go, in which form, and the secret that signs them (PagerDuty: the routing key)."""

    url: str
    template: str
    secret: str
    project: str

    def send(self, handover: Handover, now: datetime) -> None:
        """Sends a message; returns once it is taken.

        The signature is the HMAC-SHA256 of `<timestamp>.<body>`, in hexadecimal. A receiver that has seen the key has
        seen the message.

        Raises:
            HandoverError: it was refused, or not taken after several tries.
        """
        body = json.dumps(TEMPLATES[self.template](handover, self.project, now, self.secret)).encode()
        stamp = to_the_second(now)
        headers = {"Content-Type": "application/json", KEY: handover.key, STAMP: stamp}
        if self.secret and self.template != PAGERDUTY:
            signed = hmac.new(self.secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256)
            headers[SIGNATURE] = f"sha256={signed.hexdigest()}"
        request = urllib.request.Request(self.url, body, headers, method="POST")
        where = urlsplit(self.url).hostname
        remedy = f"{where} has not taken case {handover.case['case_id']}; run again, what was taken is not sent twice"
        retried(
            f"message {handover.key} to {where}",
            lambda: _sent(request, str(where)),
            RETRIES,
            failure=HandoverError,
            remedy=remedy,
        )


def checked_url(url: str) -> str:
    """The URL, which must be https, or http of this machine.

    Raises:
        InputError: it is neither.
    """
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return url
    if parts.scheme == "http" and parts.hostname and _is_loopback(parts.hostname):
        return url
    raise InputError(f"{url!r} is no https:// address", "Messages say who was attacked: send them encrypted")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would take the message to a place that nobody named."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _sent(request: urllib.request.Request, where: str) -> None:
    opener = urllib.request.build_opener(_NoRedirects)
    try:
        with opener.open(request, timeout=TIMEOUT_SECONDS):
            return
    except urllib.error.HTTPError as error:
        if error.code in AGAIN:
            raise TryAgainError(f"{where} answers {error.code}") from error
        raise RefusedMessageError(
            f"{where} answers {error.code} {error.reason}", "Check the address, the template and the secret"
        ) from error
    except (OSError, HTTPException) as error:
        raise TryAgainError(f"{where} does not answer: {error}") from error


def _text(handover: Handover) -> str:
    case = handover.case
    said = {UPDATE: "Changed: ", CLOSE: "Closed: "}.get(handover.action, "")
    return f"{said}{case['severity']} {case['decades']:.1f}: {case['technique']['name']}. {case['sentence']}"


def _generic(handover: Handover, project: str, now: datetime, _: str) -> dict[str, Any]:
    return {
        "action": handover.action,
        "key": handover.key,
        "project": project,
        "finding": finding(handover, project, now),
    }


def _slack(handover: Handover, project: str, _now: datetime, _: str) -> dict[str, Any]:
    case = handover.case
    fields = {"Case": case["case_id"], "Project": project, "Source": case["source"], "Status": case["status"]}
    texts = [{"type": "mrkdwn", "text": f"*{name}*\n{_escaped(value)}"} for name, value in fields.items()]
    text = _escaped(_text(handover))
    return {
        "text": text,
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": CUT_ENTITY.sub("", text[:SLACK_MOST])}},
            {"type": "section", "fields": texts},
        ],
    }


def _teams(handover: Handover, project: str, _now: datetime, _: str) -> dict[str, Any]:
    case = handover.case
    facts = {"Case": case["case_id"], "Project": project, "Source": case["source"], "Status": case["status"]}
    text = _text(handover)[:TEAMS_MOST]  # a text run: a block of text would read what logs and lists say as Markdown
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, "weight": "Bolder"}]},
            {"type": "FactSet", "facts": [{"title": name, "value": value} for name, value in facts.items()]},
        ],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _pagerduty(handover: Handover, project: str, now: datetime, secret: str) -> dict[str, Any]:
    case = handover.case
    payload = {
        "summary": _text(handover)[:PAGERDUTY_MOST],
        "source": case["source"],
        "severity": PAGED[case["severity"]],
        "timestamp": to_the_second(now),
        "component": case["segment_id"],
        "group": project,
        "class": case["technique"]["name"],
        "custom_details": {name: case[name] for name in ("case_id", "sentence", "targets", "status", "start", "end")},
    }
    action = "resolve" if handover.action == CLOSE else "trigger"
    return {"routing_key": secret, "event_action": action, "dedup_key": case["case_id"], "payload": payload}


def _escaped(text: str) -> str:
    """The text with what Slack reads as markup escaped."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


PAGERDUTY = "pagerduty"
TEMPLATES: Mapping[str, Callable[[Handover, str, datetime, str], dict[str, Any]]] = {
    "ocsf": _generic,
    "slack": _slack,
    "teams": _teams,
    PAGERDUTY: _pagerduty,
}
