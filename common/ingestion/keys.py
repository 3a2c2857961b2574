"""The keys of the tracking table: of files, manifests and locks, and of the index of what is pending."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256

Key = tuple[str, str]
"""`date_prefix` and `file_key` of an item."""

LOCK, UNDATED = "LOCK", "UNDATED"
"""Partitions of locks, and of the marks of files whose name has no date."""

MANIFEST = "MANIFEST#"
SHARDS = 8
FILE_SHARDS = tuple(f"files#{number}" for number in range(SHARDS))
MANIFEST_SHARD = "manifests#0"
FIRST_ORDER, LAST_ORDER = "0", ":"
"""Bounds of `pending_order`, which begins with a date: all of the index is between them."""

MOST_NAME_BYTES = 512
"""Bytes of a file's name in its key. A key may have 1,024, and the index's has the date and time before it."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def file_hash(bucket: str, key: str, version: str) -> str:
    """16 hex digits that stand for one version of an object, given by its version id, or its ETag without versions."""
    return sha256("\0".join((bucket, key, version)).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def name_in_key(object_key: str) -> str:
    """The name of an object's file as its `file_key` begins: without control characters, and not too long."""
    name = _CONTROL.sub("_", object_key.rpartition("/")[2])
    return name.encode()[:MOST_NAME_BYTES].decode(errors="ignore")


def file_key(bucket: str, object_key: str, version: str) -> str:
    """The sort key of a file: `<name>#<hash>`."""
    return f"{name_in_key(object_key)}#{file_hash(bucket, object_key, version)}"


def shard_of(key: str) -> str:
    """The partition of the pending index that a file with this `file_key` is in."""
    return FILE_SHARDS[int(key[-16:], 16) % SHARDS]


def pending_order(date_prefix: str, created_at: str, key: str) -> str:
    """The place of a file or manifest among the pending ones: by date, then by time."""
    return f"{date_prefix}#{created_at}#{key}"


def orders_of(date_prefix: str) -> tuple[str, str]:
    """The bounds of `pending_order` of a date."""
    return f"{date_prefix}#", f"{date_prefix}$"


def orders_after(date_prefix: str) -> tuple[str, str]:
    """The bounds of `pending_order` of all later dates."""
    return f"{date_prefix}$", LAST_ORDER


def manifest_id(keys: Iterable[Key]) -> str:
    """20 hex digits that stand for a set of files."""
    return sha256("\n".join(sorted("\0".join(key) for key in keys)).encode()).hexdigest()[:20]


def manifest_key(date_prefix: str, identifier: str) -> Key:
    """The key of a manifest's record."""
    return date_prefix, MANIFEST + identifier


def lock_key(date_prefix: str) -> Key:
    """The key of the lock of a date."""
    return LOCK, date_prefix


def manifest_object(date_prefix: str, identifier: str) -> str:
    """The object key of a manifest's document."""
    return f"manifests/{date_prefix}/{identifier}.json"


def timestamp(moment: datetime) -> str:
    """A time as items hold it, whose order as text is that of time: `2026-03-10T12:00:00.000001Z`."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
