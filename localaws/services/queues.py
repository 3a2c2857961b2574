"""Queues changed by one thread: ministack replaces their lists of messages, so what another adds meanwhile is lost."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import threading
from collections.abc import Callable
from typing import Any

from ministack import app
from ministack.services import s3, sqs

from localaws.server.patching import replace

_original_receive = sqs._receive_messages_for_esm
_original_delete = sqs._delete_messages_for_esm
_closed = threading.Event()


def install() -> None:
    """Makes event source mappings and notifications of buckets change queues on the event loop, as requests do."""
    replace(sqs, "_receive_messages_for_esm", receive_messages)
    replace(sqs, "_delete_messages_for_esm", delete_messages)
    replace(s3, "_fire_s3_event_async", fire_s3_event)


def close() -> None:
    """Makes event source mappings receive nothing any more, since the server stops."""
    _closed.set()


def receive_messages(queue_url: str, max_number: int) -> Any:
    """Messages for an event source mapping."""
    return [] if _closed.is_set() else _on_loop(lambda: _original_receive(queue_url, max_number))


def delete_messages(queue_url: str, receipt_handles: set[str]) -> Any:
    """Deletes what an event source mapping has had processed."""
    return _on_loop(lambda: _original_delete(queue_url, receipt_handles))


def send(message: dict[str, Any]) -> None:
    """Sends a message, given as in a request, from any thread."""
    put = functools.partial(sqs._act_send_message, message, message["QueueUrl"])
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        _on_loop(put)
    else:
        put()


def _on_loop(function: Callable[[], Any]) -> Any:
    """What a function of this thread's account and region returns, called by the event loop that serves HTTP."""
    context = contextvars.copy_context()

    async def run(*request: Any) -> Any:
        return context.run(function)

    return app.call_service_handler_sync(run, "POST", "/", {}, b"", {})


def fire_s3_event(
    bucket_name: str,
    key: str,
    event_name: str,
    size: int = 0,
    etag: str = "",
    deletion_type: str | None = None,
    version_id: str | None = None,
    object_extra: dict[str, Any] | None = None,
    record_extra: dict[str, Any] | None = None,
) -> None:
    """Delivers the notification of an object before the request that changes it is answered, so none is lost."""
    if bucket_name in s3._bucket_notifications:
        more = {"object_extra": object_extra, "record_extra": record_extra}
        sequencer = s3._next_event_sequencer(event_name)
        s3._fire_s3_event(
            bucket_name, key, event_name, size, etag, deletion_type, version_id=version_id, sequencer=sequencer, **more
        )
