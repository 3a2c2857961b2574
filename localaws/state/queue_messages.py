"""Messages of queues, saved one by one: only what has changed since the last time is written."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from typing import Any

from ministack.core.persistence import _json_default, _json_object_hook
from ministack.core.responses import AccountRegionScopedDict
from ministack.services import sqs

from localaws.state.store import Store

Message = dict[str, Any]
Change = tuple[str, dict[str, str], list[str]]
"""For one queue: its kind in the store, new texts of messages by id, and the ids of those that are gone."""


def state() -> dict[str, Any]:
    """The state of SQS without messages."""
    queues = AccountRegionScopedDict()
    for (account, region, url), queue in sqs._queues.all_items():
        kept = {key: copy.deepcopy(value) for key, value in queue.items() if key != "messages"}
        queues.set_scoped(account, region, url, {**kept, "messages": []})
    return {"queues": queues, "queue_name_to_url": copy.deepcopy(sqs._queue_name_to_url)}


class Messages:
    """The messages of all queues in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._saved: dict[str, dict[str, tuple[Any, ...]]] = {}

    def changes(self) -> list[Change]:
        """What has changed since the last call, which the thread that changes queues makes."""
        queues = {_kind(url): queue["messages"] for (_, _, url), queue in sqs._queues.all_items()}
        found = [self._changes_of(kind, queues.get(kind, [])) for kind in {**queues, **self._saved}]
        return [change for change in found if change[1] or change[2]]

    def _changes_of(self, kind: str, messages: list[Message]) -> Change:
        saved = self._saved.setdefault(kind, {})
        texts = {}
        for message in messages:
            key = message["id"]
            # what differs whenever a message has been received or hidden
            version = (message["visible_at"], message["receive_count"], message["receipt_handle"])
            if saved.get(key) != version:
                saved[key] = version
                texts[key] = json.dumps(message, default=_json_default)
        gone = list(set(saved) - {message["id"] for message in messages}) if len(saved) != len(messages) else []
        for key in gone:
            del saved[key]
        return kind, texts, gone

    def write(self, changes: Iterable[Change]) -> None:
        """Writes changes to the store."""
        for kind, texts, gone in changes:
            self._store.change(kind, texts, gone)

    def restore(self) -> None:
        """Puts saved messages into the restored queues, in the order in which they were sent."""
        for (_, _, url), queue in sqs._queues.all_items():
            kept = self._store.texts(_kind(url)).values()
            messages = [json.loads(text, object_hook=_json_object_hook) for text in kept]
            known = {message["id"] for message in messages}
            # an earlier release kept them with their queue
            messages += [message for message in queue["messages"] if message["id"] not in known]
            queue["messages"] = sorted(messages, key=lambda message: message["sent_at"])
            self._saved[_kind(url)] = dict.fromkeys(known, ())
        _take_to_this_port()


def _take_to_this_port() -> None:
    """Gives the queues the URLs that they have on this port: ministack looks for a queue by its URL alone."""
    for (account, region, url), queue in sqs._queues.all_items():
        queue["url"] = sqs._queue_url_for_account(account, queue["name"])
        sqs._queues.set_scoped(account, region, queue["url"], sqs._queues.pop_scoped(account, region, url))
    sqs._rebuild_queue_name_index()


def _kind(url: str) -> str:
    return f"messages of {url}"
