"""Whether messages are as their receivers want them, by the receivers' own models and schemas."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from importlib import resources
from typing import Any

from jsonschema import Draft6Validator
from jsonschema.exceptions import best_match
from pypd import EventV2
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block

TEAMS_BYTES = 28_000


def defects(template: str, message: Mapping[str, Any]) -> list[str]:
    """What is not as the receiver has it, in words; empty if all is."""
    return list(CHECKS[template](message))


def _slack(message: Mapping[str, Any]) -> Iterator[str]:
    """By the models of Slack's SDK, which drop what they do not know."""
    for block in message["blocks"]:
        try:
            parsed = Block.parse(block)
            if parsed is None or parsed.to_dict() != block:
                yield f"block {json.dumps(block)[:80]} is read as {parsed}"
        except (SlackObjectFormationError, TypeError) as error:
            yield str(error)


def _teams(message: Mapping[str, Any]) -> Iterator[str]:
    """By the JSON Schema that Microsoft publishes for the version of the card."""
    for attachment in message["attachments"]:
        card = attachment["content"]
        schema = resources.files("adaptive_cards") / f"schemas/schema-{card['version']}.json"
        if error := best_match(Draft6Validator(json.loads(schema.read_text(encoding="utf-8"))).iter_errors(card)):
            yield f"{error.json_path}: {error.message[:80]}"
    if len(json.dumps(message)) > TEAMS_BYTES:
        yield f"more than {TEAMS_BYTES:,} bytes"


def _pagerduty(message: Mapping[str, Any]) -> Iterator[str]:
    """By PagerDuty's client, which asserts what an event must have."""
    try:
        EventV2.validate(message)
    except (AssertionError, KeyError) as error:
        yield f"no event: {error!r}"


CHECKS: Mapping[str, Callable[[Mapping[str, Any]], Iterator[str]]] = {
    "slack": _slack,
    "teams": _teams,
    "pagerduty": _pagerduty,
}
