"""The migration of models to today's format: safe to interrupt anywhere, and to repeat.

A manifest of format 3 follows from its migrated form and back, byte by byte, so a migrated manifest proves by the
digest of its original that nothing but the migration changed it. The order of writes is manifest, `SUCCESS`, and last
the pointer. Until the last of them, every reader refuses the model and asks for the migration; none of the old format
loads here before, either.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from common.detection.registry.formats import (
    FORMAT_VERSION,
    MIGRATED_FORMAT,
    encoded,
    half_migrated,
    original_sha256,
    parsed,
    sha256,
    upgraded,
)
from common.detection.registry.pointer import (
    MANIFEST,
    POINTER,
    SUCCESS,
    ArtifactStore,
    altered,
    read_pointer,
    stored_manifest,
)
from common.errors import ModelError


@dataclass
class Migration:
    """What happened to the models: runs by what was done, reasons by run, and whether the pointer was rewritten."""

    migrated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    pointer_moved: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The migration as JSON values."""
        return asdict(self)


def migrate_models(store: ArtifactStore, runs: Iterable[str]) -> Migration:
    """Migrates the runs of format 3, then the digests of the pointer; others are left as they are.

    Raises:
        ModelError: the pointer is damaged; nothing was changed then.
        StorageError: a file cannot be read or written; what was migrated stays.
    """
    pointer = read_pointer(store)
    promoted = {entry.get("run_id"): entry.get("manifest_sha256") for entry in _entries(pointer)}
    done = Migration()
    for run_id in runs:
        try:
            changed = _migrate(store, run_id, promoted.get(run_id))
        except ModelError as error:
            done.refused[run_id] = error.problem
        else:
            (done.migrated if changed else done.unchanged).append(run_id)
    if pointer is not None:
        done.pointer_moved = _repoint(store, pointer, {*done.migrated, *done.unchanged})
    return done


def _migrate(store: ArtifactStore, run_id: str, promoted: str | None) -> bool:
    """Migrates a run, or completes its migration; False where there is nothing to do.

    Raises:
        ModelError: a file of the run was altered, or it cannot be migrated.
    """
    content, digest = stored_manifest(store, run_id)
    manifest = parsed(content, f"{store.uri}/{run_id}/{MANIFEST}")
    if sha256(content) == digest:
        if manifest.get("format_version") == FORMAT_VERSION:
            return False
        if manifest.get("format_version") == MIGRATED_FORMAT and promoted not in (None, digest):
            raise ModelError(f"model {run_id} is not the one that was promoted in {store.uri}", "Train the model again")
        _check_files(store, run_id, manifest)
        content = encoded(upgraded(manifest))
        store.write(f"{run_id}/{MANIFEST}", content)
    elif not half_migrated(content, digest):
        raise altered(store, run_id, MANIFEST)
    store.write(f"{run_id}/{SUCCESS}", f"{sha256(content)}\n".encode())
    return True


def _check_files(store: ArtifactStore, run_id: str, manifest: dict[str, Any]) -> None:
    """Refuses a run of which a file is missing or is not as the manifest says."""
    for name, entry in manifest.get("files", {}).items():
        if sha256(store.read(f"{run_id}/{name}")) != entry["sha256"]:
            raise altered(store, run_id, name)


def _repoint(store: ArtifactStore, pointer: dict[str, Any], runs: set[str]) -> bool:
    """Names the migrated manifests in the pointer, in one write; False where it names them already."""
    digests: dict[str, tuple[str, str]] = {}
    for run_id in runs & {entry.get("run_id") for entry in _entries(pointer)}:
        content, _ = stored_manifest(store, run_id)
        if original := original_sha256(parsed(content, run_id)):
            digests[run_id] = original, sha256(content)

    def renewed(entry: dict[str, Any]) -> dict[str, Any]:
        original, current = digests.get(str(entry.get("run_id")), ("", ""))
        return entry | {"manifest_sha256": current} if entry.get("manifest_sha256") == original else entry

    changed = renewed(pointer) | {"previous": [renewed(entry) for entry in pointer["previous"]]}
    if changed == pointer:
        return False
    store.write(POINTER, encoded(changed))
    return True


def _entries(pointer: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The entries of the pointer: the current run and those before it."""
    return [pointer, *pointer["previous"]] if pointer else []
