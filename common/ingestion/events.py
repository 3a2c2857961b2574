"""What an event announces: messages of a queue, and in them objects that were created."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from common.errors import InputError, one_line

CREATED = "ObjectCreated:"
REMEDY = "Only notifications of S3 belong into the queue"


@dataclass(frozen=True)
class Message:
    """A message of the queue, not read yet."""

    id: str
    body: object


@dataclass(frozen=True)
class Announced:
    """An object that was created; `size` in bytes and `etag` are None where the notification lacks them."""

    bucket: str
    key: str
    size: int | None = None
    etag: str | None = None
    version_id: str | None = None
    sequencer: str | None = None

    @property
    def is_folder(self) -> bool:
        """Whether it is the empty object that stands for a folder."""
        return self.key.endswith("/") and not self.size


def is_sweep(event: Mapping[str, Any]) -> bool:
    """Whether the event is that of the schedule: it has no records, not even an empty list of them."""
    return "Records" not in event


def messages(event: Mapping[str, Any]) -> list[Message]:
    """The messages of an event of the queue; notifications that S3 sends by itself count as one message each.

    Raises:
        InputError: the event has another form.
    """
    records = event["Records"]
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise InputError(f"the event's Records are no list of objects: {one_line(records, 100)}", REMEDY)
    return [Message(str(record.get("messageId", "")), record.get("body", {"Records": [record]})) for record in records]


def announced(message: Message) -> list[Announced]:
    """The objects that a message says were created; none for S3's test event, and for what happens to old objects.

    A message of SNS may be around it.

    Raises:
        InputError: the message is no notification of S3.
    """
    body = _document(message.body)
    if body.get("Type") == "Notification" and "Message" in body:
        body = _document(body["Message"])
    if body.get("Event") == "s3:TestEvent":
        return []
    records = body.get("Records")
    if not isinstance(records, list):
        raise InputError(f"the message is no notification of S3: {one_line(body, 200)}", REMEDY)
    found = [_announced(record) for record in records]
    return [one for one in found if one is not None]


def _document(body: object) -> Mapping[str, Any]:
    try:
        document = json.loads(body) if isinstance(body, str) else body
    except (ValueError, RecursionError) as error:
        raise InputError(f"the message is not JSON: {one_line(error, 200)}", REMEDY) from None
    if not isinstance(document, dict):
        raise InputError(f"the message is no JSON object: {one_line(document, 200)}", REMEDY)
    return document


def _announced(record: Any) -> Announced | None:
    """The object of a record; None if it was not created now."""
    try:
        if not record.get("eventName", CREATED).removeprefix("s3:").startswith(CREATED):
            return None
        thing = record["s3"]["object"]
        size = thing.get("size")
        if size is not None and (type(size) is not int or size < 0):
            raise ValueError(f"size {one_line(size, 50)}")
        bucket, key = _text(record["s3"]["bucket"]["name"]), unquote_plus(_text(thing["key"]))
        others = {field: _text(thing[name]).strip('"') or None for field, name in _OTHERS.items() if thing.get(name)}
        return Announced(bucket, key, size, **others)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        said = f"{type(error).__name__}: {one_line(error, 100)}"
        raise InputError(f"a record is no notification of S3 ({said}): {one_line(record, 200)}", REMEDY) from None


_OTHERS = {"etag": "eTag", "version_id": "versionId", "sequencer": "sequencer"}


def _text(value: Any) -> str:
    """The value, if it is a text that UTF-8 can write, and not empty."""
    if not isinstance(value, str) or not value.encode():
        raise ValueError(f"{one_line(value, 50)!r} is no text")
    return value
