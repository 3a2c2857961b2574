"""The items of the tracking table, typed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from common.ingestion.keys import MANIFEST_SHARD, Key, manifest_key, pending_order, shard_of
from common.ingestion.states import FileState, ManifestState
from common.ingestion.writes import Item, Value

BYTES_PER_MB = 1 << 20
BYTES_PER_PART = 128 * BYTES_PER_MB
PENDING = ("pending_shard", "pending_order")
"""The attributes with which an item is in the index of what is pending."""


@dataclass(frozen=True)
class TrackedFile:
    """One version of an object; `reason` says why it is quarantined, `warning` what is unusual about it.

    Times are UTC; `file_size` is in bytes. From `expires_at` on, in seconds since 1970, the table may forget it.
    """

    date_prefix: str
    file_key: str
    file_name: str
    bucket: str
    object_key: str
    etag: str
    file_size: int
    status: FileState
    created_at: str
    updated_at: str
    version_id: str | None = None
    route: str | None = None
    organisation: str | None = None
    reason: str | None = None
    warning: str | None = None
    manifest_id: str | None = None
    manifest_path: str | None = None
    sequencer: str | None = None
    expires_at: int | None = None

    @property
    def key(self) -> Key:
        """The item's key."""
        return self.date_prefix, self.file_key

    @property
    def uri(self) -> str:
        """The object's address, without its version."""
        return f"s3://{self.bucket}/{self.object_key}"

    @property
    def in_index(self) -> dict[str, Value]:
        """The attributes that put the file among the pending ones."""
        order = pending_order(self.date_prefix, self.created_at, self.file_key)
        return {"pending_shard": shard_of(self.file_key), "pending_order": order}

    def to_item(self) -> dict[str, Value]:
        """The item's attributes; a pending file that is not claimed is in the index."""
        is_free = self.status == FileState.PENDING and self.manifest_id is None
        derived: dict[str, Value] = {
            "kind": "file",
            "file_path": self.uri,
            "file_size_mb": round(self.file_size / BYTES_PER_MB, 6),
        }
        return _present(self) | derived | (self.in_index if is_free else {})

    @classmethod
    def from_item(cls, item: Item) -> TrackedFile:
        """The file of an item."""
        return cls(**_known(cls, item) | {"status": FileState(str(item["status"]))})


@dataclass(frozen=True)
class ManifestRecord:
    """A manifest in the table: its files, all of one date, and how far it is.

    `claim_token` tells a record from an earlier one of the same files that was given up; `bytes` is the size of all
    files, `parts` the number of Parquet files to make of them, `attempt` that of its execution, from 1.
    """

    date_prefix: str
    id: str
    status: ManifestState
    claim_token: str
    file_keys: tuple[str, ...]
    bytes: int
    manifest_path: str
    created_at: str
    updated_at: str
    attempt: int = 1
    route: str | None = None
    organisation: str | None = None
    error: str | None = None
    job_run_id: str | None = None

    @property
    def key(self) -> Key:
        """The item's key."""
        return manifest_key(self.date_prefix, self.id)

    @property
    def keys_of_files(self) -> list[Key]:
        """The keys of its files."""
        return [(self.date_prefix, key) for key in self.file_keys]

    @property
    def file_count(self) -> int:
        """How many files it has."""
        return len(self.file_keys)

    @property
    def parts(self) -> int:
        """How many Parquet files to make of them: one for each 128 MiB begun, at least one."""
        return max(-(-self.bytes // BYTES_PER_PART), 1)

    @property
    def in_index(self) -> dict[str, Value]:
        """The attributes that put the manifest among those that have not ended."""
        order = pending_order(self.date_prefix, self.created_at, self.id)
        return {"pending_shard": MANIFEST_SHARD, "pending_order": order}

    def to_item(self) -> dict[str, Value]:
        """The item's attributes; a manifest that has not ended is in the index."""
        derived: dict[str, Value] = {"kind": "manifest", "file_count": self.file_count, "parts": self.parts}
        return _present(self) | derived | ({} if self.status.has_ended else self.in_index)

    @classmethod
    def from_item(cls, item: Item) -> ManifestRecord:
        """The manifest of an item."""
        texts = item["file_keys"]
        keys = tuple(texts) if isinstance(texts, list) else ()
        return cls(**_known(cls, item) | {"status": ManifestState(str(item["status"])), "file_keys": keys})


def key_of(item: Item) -> Key:
    """The key of an item."""
    return str(item["date_prefix"]), str(item["file_key"])


def files_of(items: Iterable[Item]) -> list[TrackedFile]:
    """Those of the items that are files."""
    return [TrackedFile.from_item(item) for item in items if item["kind"] == "file"]


def _present(found: TrackedFile | ManifestRecord) -> dict[str, Value]:
    """The fields that are not None, with the key, as an item has them."""
    values = {field.name: getattr(found, field.name) for field in fields(found)}
    values |= dict(zip(("date_prefix", "file_key"), found.key, strict=True)) | {"status": str(found.status)}
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in values.items() if value is not None
    }


def _known(kind: type[TrackedFile | ManifestRecord], item: Item) -> dict[str, Any]:
    return {field.name: item[field.name] for field in fields(kind) if field.name in item}
