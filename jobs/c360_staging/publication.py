"""What is published below `staging`: the manifest, those before it, and the runs that were accepted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from common.aws.swap import swapped
from common.c360 import manifest as document
from common.c360.datasets import STAGING
from common.c360.manifest import SnapshotManifest, manifest_json, read_manifest
from common.errors import CommitError, ShrinkError, StorageError
from common.storage.files import Entry, Folder

COPIES, ACCEPTED = "manifests", "accepted"
KEPT = 2
"""Snapshots before the published one whose files are kept, for readers that began with them."""
LEAST_SHARE = 0.9
"""Of the keys of the accepted snapshot of the nearest earlier day; one with fewer is refused."""


@dataclass(frozen=True)
class Published:
    """The manifest that readers see, and its bytes; None before the first one."""

    content: bytes | None = None
    manifest: SnapshotManifest | None = None

    @property
    def run_id(self) -> str | None:
        """The run that is published."""
        return self.manifest.run_id if self.manifest else None


def published(staging: Folder) -> Published:
    """What is published.

    Raises:
        InputError: the manifest is none.
        StorageError: it cannot be read.
    """
    if not staging.exists(document.NAME):
        return Published()
    content = staging.read(document.NAME)
    return Published(content, read_manifest(content, f"{staging.uri}/{document.NAME}"))


def check_keys(staging: Folder, as_of: date, keys: Mapping[str, int]) -> None:
    """Compares the keys by table with those of the accepted snapshot of the nearest earlier day.

    Raises:
        ShrinkError: there are far fewer.
    """
    days = {date.fromisoformat(_stem(entry)): entry.name for entry in staging.list(ACCEPTED)}
    earlier = max((day for day in days if day < as_of), default=None)
    if earlier is None:
        return
    for table, before in json.loads(staging.read(days[earlier]))["keys"].items():
        if keys[table] < LEAST_SHARE * before:
            raise ShrinkError(
                f"{keys[table]:,} {table} as of {as_of} are less than {LEAST_SHARE:.0%} of the {before:,} as of "
                f"{earlier}",
                "See whether the sources delivered all of them; if so, give --accept-shrink",
            )


def accept(staging: Folder, manifest: SnapshotManifest) -> None:
    """Notes that the published snapshot is the accepted one of its day, and keeps a copy of its manifest."""
    notes = {
        f"{ACCEPTED}/{manifest.as_of}.json": accepted_json(manifest),
        _copy(manifest.run_id): manifest_json(manifest),
    }
    for name, content in notes.items():
        if not staging.exists(name) or staging.read(name) != content:
            staging.write(name, content)


def accepted_json(manifest: SnapshotManifest) -> bytes:
    """What is noted of an accepted snapshot."""
    return json.dumps({"run_id": manifest.run_id, "keys": keys_of(manifest)}, sort_keys=True).encode()


def keys_of(manifest: SnapshotManifest) -> dict[str, int]:
    """The number of keys of the tables that are snapshots of a source."""
    return {table: manifest.tables[table].rows for table in ("customers", "plans")}


def publish(staging: Folder, manifest: SnapshotManifest, before: Published) -> None:
    """Makes the snapshot the one that readers see, in place of the one before; removes what is not kept.

    The files to be removed are listed first: what a run writes that begins after this one is published is not among
    them, and one that began earlier is refused.

    Raises:
        CommitError: another run has published one meanwhile.
        StorageError, AwsError: a file cannot be written or removed.
    """
    listed = [entry.name for table in STAGING for entry in staging.list(table)]
    if before.manifest:
        accept(staging, before.manifest)
    if not swapped(staging, document.NAME, before.content, manifest_json(manifest)):
        raise CommitError(
            f"another run has published {staging.uri}/{document.NAME} since this one began",
            "Run again, one run at a time",
        )
    accept(staging, manifest)
    _clear_up(staging, listed, [manifest, *([before.manifest] if before.manifest else [])])


def _clear_up(staging: Folder, listed: list[str], last: list[SnapshotManifest]) -> None:
    """Removes the listed files that neither the last two snapshots nor the one before them name."""
    known = {_copy(manifest.run_id) for manifest in last}
    copies = sorted(staging.list(COPIES), key=lambda entry: (entry.modified, entry.name), reverse=True)
    older = [entry.name for entry in copies if entry.name not in known]
    number = 1 + KEPT - len(known)
    kept = [*last, *(read_manifest(staging.read(name), f"{staging.uri}/{name}") for name in older[:number])]
    named = {file.name for manifest in kept for table in manifest.tables.values() for file in table.files}
    for name in (*older[number:], *(name for name in listed if name not in named)):
        _remove(staging, name)


def _remove(staging: Folder, name: str) -> None:
    """Removes a file, which another run may have done, and on a disk the folder that it leaves empty."""
    try:
        staging.delete(name)
    except StorageError:
        if staging.exists(name):
            raise
    if not staging.is_remote:
        with suppress(OSError):
            (Path(staging.uri) / name).parent.rmdir()


def _copy(run_id: str) -> str:
    return f"{COPIES}/{run_id}.json"


def _stem(entry: Entry) -> str:
    return entry.name.rpartition("/")[2].removesuffix(".json")
