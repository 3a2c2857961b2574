"""Saves the state of ministack's services: before a change is answered, and background changes every second.

ministack itself saves only on a clean exit. Here a request that changes state is answered once the state of its
service is in the store; requests that arrive meanwhile share the next write. DynamoDB items, messages of queues, S3
objects and executions are saved one by one (see `dynamodb_items`, `queue_messages`, ministack's S3_PERSIST,
`stepfunctions.history`), so the rest is small.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qs

from ministack import app
from ministack.core.persistence import _json_default, _json_object_hook
from ministack.services import cloudformation, s3, stepfunctions

from localaws.server.wire import Handler, Response
from localaws.state import dynamodb_items, queue_messages
from localaws.state.store import Store

KIND = "service"
SECONDS, MOST_SECONDS = 1.0, 10.0
_TRIES = 100

_READS = re.compile(r"(Describe|Get|List|Query|Scan|BatchGet|Search|TransactGet|Receive|Lookup|Test|Validate|Head)")
# saved one by one, or by the service itself
_KEPT_ELSEWHERE = {
    "dynamodb": re.compile(r"(Put|Update|Delete|BatchWrite|TransactWrite)Items?$|.*Statement$|ExecuteTransaction$"),
    "states": re.compile(r".*(Execution|MapRun)$|SendTask"),
    "events": re.compile(r"PutEvents$"),
}


def _machines() -> dict[str, Any]:
    """The state of Step Functions without executions."""
    sf = stepfunctions
    return {
        "state_machines": sf._state_machines,
        "tags": sf._tags,
        "activities": sf._activities,
        "state_machine_versions": sf._state_machine_versions,
        "state_machine_aliases": sf._state_machine_aliases,
    }


def _stacks() -> dict[str, Any]:
    """The state of CloudFormation itself, as copying it takes longer than writing it down."""
    return {key: store() for store, key in cloudformation._PERSISTED_STORES}


_OWN_STATES: dict[str, Callable[[], Any]] = {
    "cloudformation": _stacks,
    "dynamodb": dynamodb_items.state,
    "sqs": queue_messages.state,
    "stepfunctions": _machines,
}


def _states() -> dict[str, Callable[[], Any]]:
    """The function that returns the state, for each service in use."""
    return {**app._build_persistence_save_dict(), **_OWN_STATES}


def changes(service: str, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> bool:
    """Whether a request may change the state that is saved for its service as a whole."""
    if service == "s3":
        # ministack saves objects itself; requests for a bucket and its settings have no key in their path
        return method in ("PUT", "POST", "DELETE") and "/" not in path.strip("/")
    action = headers.get("x-amz-target", "").rpartition(".")[2]
    if not action and method == "POST":
        form = parse_qs(body.decode(errors="replace")) if b"Action=" in body else query
        action = str((form.get("Action") or [""])[0])
    if not action:
        return method != "GET"
    elsewhere = _KEPT_ELSEWHERE.get(service)
    return not _READS.match(action) and not (elsewhere and elsewhere.match(action))


def delivers(service: str, method: str, path: str) -> bool:
    """Whether a request may put messages into queues: events, notifications, objects of buckets that announce them."""
    if service == "s3":
        return method in ("PUT", "POST", "DELETE") and path.strip("/").partition("/")[0] in s3._bucket_notifications
    return service in ("events", "sns")


def _text(state: Any) -> str | None:
    return None if state is None else json.dumps(state, default=_json_default)


async def _consistent(state: Callable[[], Any]) -> str | None:
    """The state as text, tried again while a thread of ministack changes it."""
    for _ in range(_TRIES):
        try:
            return _text(state())
        except RuntimeError:
            await asyncio.sleep(0)
    return _text(state())


class Persistence:
    """Saves and restores the state of ministack's services."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tables = dynamodb_items.Tables(store)
        self._messages = queue_messages.Messages(store)
        self._written: dict[str, str] = {}
        self._changed: dict[str, int] = defaultdict(int)
        self._saved: dict[str, int] = defaultdict(int)
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def restore(self) -> None:
        """Restores everything saved, and saves items from then on."""
        for key, text in self._store.texts(KIND).items():
            module = app._get_module(app._state_map[key])
            module.load_persisted_state(json.loads(text, object_hook=_json_object_hook))
            self._written[key] = text
        self._messages.restore()
        self._tables.restore()
        self._tables.install()

    def install(self) -> None:
        """Wraps the handler of every service of ministack."""
        for name, handler in list(app.SERVICE_HANDLERS.items()):
            module = app.SERVICE_REGISTRY.get(name, {}).get("module")
            if module is not None:
                keys = [key for key, item in app._state_map.items() if item == module]
                app.SERVICE_HANDLERS[name] = self._before(name, handler, keys)

    def _before(self, name: str, handler: Handler, keys: list[str]) -> Handler:
        async def handle(
            method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
        ) -> Response:
            response = await handler(method, path, headers, body, query)
            if response[0] >= 400:
                return response
            changed = keys if changes(name, method, path, headers, body, query) else []
            if name == "cloudformation":  # whose answers tell of what threads have made of other services
                changed = list(_states())
            for key in [*changed, *(["sqs"] if delivers(name, method, path) else [])]:
                await self.save(key)
            return response

        return handle

    async def save(self, key: str) -> None:
        """Returns once the current state of a service is in the store."""
        self._changed[key] += 1
        mine = self._changed[key]
        async with self._locks[key]:
            if self._saved[key] >= mine:
                return
            covered = self._changed[key]
            state = _states().get(key)
            if state is not None:
                text = await _consistent(state)
                messages = self._messages.changes() if key == "sqs" else []
                await asyncio.to_thread(self._write, key, text, messages)
            self._saved[key] = covered

    def _write(self, key: str, text: str | None, messages: Sequence[queue_messages.Change] = ()) -> None:
        self._messages.write(messages)
        if text is not None and self._written.get(key) != text:
            self._store.put_text(KIND, key, text)
            self._written[key] = text

    async def keep_saving(self) -> None:
        """Saves background changes every second: fired schedules, queued events, stacks being built.

        More rarely where there is much to look through, so that it takes a fiftieth of the time, within `MOST_SECONDS`.
        """
        took = 0.0
        while True:
            await asyncio.sleep(min(max(SECONDS, 50 * took), MOST_SECONDS))
            began = time.monotonic()
            for key in list(_states()):
                await self.save(key)
            took = time.monotonic() - began

    def close(self) -> None:
        """Saves everything a last time."""
        for key, state in _states().items():
            self._write(key, _text(state()), self._messages.changes() if key == "sqs" else ())
