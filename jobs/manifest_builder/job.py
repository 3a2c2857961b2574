"""Tracks the files that an event announces, and makes manifests of what is pending."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from common.errors import NdrError
from common.ingestion import events
from common.ingestion.events import Message
from common.runtime.metrics import members
from jobs.manifest_builder.config import BuilderConfig
from jobs.manifest_builder.log import COMMAND, say
from jobs.manifest_builder.stores import Stores
from jobs.manifest_builder.tracking import track
from jobs.manifest_builder.turns import Turns

COUNTS = ("processed", "duplicates", "quarantined", "ignored", "failed", "manifests_created")


def run(event: Mapping[str, Any], config: BuilderConfig, stores: Stores) -> dict[str, Any]:
    """The response to an event of the queue or the schedule: how many files became what, and which messages failed.

    Raises:
        InputError: the event is neither.
        NdrError: of the schedule, what failed; the rest was done.
    """
    counts = Counter(dict.fromkeys(COUNTS, 0))
    if event.get("flush") is True:  # on request, nothing waits for more files
        config = replace(config, max_wait_minutes=0, min_files_for_partial_batch=1)
    failed = _sweep(config, stores, counts) if events.is_sweep(event) else _take(event, config, stores, counts)
    say("summary", "finished", "info", **counts)
    return {
        "statusCode": 200,
        "body": json.dumps(counts),
        "batchItemFailures": [{"itemIdentifier": message} for message in failed],
    }


def _sweep(config: BuilderConfig, stores: Stores, counts: Counter[str]) -> list[str]:
    """Does what no file's arrival does; no message can fail."""
    turns = Turns(config, stores, is_sweep=True)
    errors = turns.recover()
    dates, now = turns.dates(), stores.now()
    oldest = min(map(datetime.fromisoformat, dates.values()), default=now)
    waiting = {"oldest_pending_seconds": (now - oldest).total_seconds()}
    say("summary", "pending", "info", **(waiting | members(COMMAND, None, waiting)))
    for date_prefix in dates:
        if not stores.may_go_on():
            break  # the next one goes on
        try:
            counts["manifests_created"] += turns.build(date_prefix)
        except NdrError as error:
            say("batch", "failed", "error", date=date_prefix, message=str(error))
            errors.append(error)
    if errors:
        raise errors[0]
    return []


def _take(event: Mapping[str, Any], config: BuilderConfig, stores: Stores, counts: Counter[str]) -> list[str]:
    """Tracks the files of all messages, then makes manifests of their dates; the ids of messages that failed."""
    failed: dict[str, None] = {}
    dates: defaultdict[str, list[str]] = defaultdict(list)
    for message in events.messages(event):
        try:
            _track(message, config, stores, counts, dates)
        except NdrError as error:
            say("message", "failed", "error", message_id=message.id, message=str(error))
            failed[message.id] = None
    turns = Turns(config, stores)
    for date_prefix, messages in sorted(dates.items()):
        try:
            counts["manifests_created"] += turns.build(date_prefix)
        except NdrError as error:
            say("batch", "failed", "error", date=date_prefix, message=str(error))
            failed |= dict.fromkeys(messages)
    counts["failed"] = len(failed)
    return list(failed)


def _track(
    message: Message,
    config: BuilderConfig,
    stores: Stores,
    counts: Counter[str],
    dates: defaultdict[str, list[str]],
) -> None:
    """Tracks the files of a message; one that fails does not keep the others, and fails the message."""
    errors = []
    for announced in events.announced(message):
        try:
            tracked = track(announced, config, stores)
        except NdrError as error:
            errors.append(error)
            continue
        counts[tracked.outcome] += 1
        if tracked.date_prefix:
            dates[tracked.date_prefix].append(message.id)
    if errors:
        raise errors[0]
