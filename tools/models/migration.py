"""The migration of models to today's format: safe to interrupt anywhere, and to repeat.

Today's files follow from the old ones, byte by byte, so what was interrupted is made again and compared. The order of
writes is the new files, the pointer, and for each run `SUCCESS` and last the manifest, the old one of which stays until
then; the old files go at the end. Until its manifest is written, every reader refuses a model and asks for the
migration; none of the old format loads here before, either.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from common.aws.swap import swapped
from common.detection.checked import RETRAIN, section
from common.detection.registry.artifacts import FILES_MOST
from common.detection.registry.formats import FORMAT_VERSION, encoded, parsed, sha256
from common.detection.registry.pointer import (
    MANIFEST,
    POINTER,
    SUCCESS,
    ArtifactStore,
    altered,
    parsed_pointer,
    pointer_content,
    read_pointer,
    stored_manifest,
)
from common.errors import ModelError, StorageError
from common.runtime.output import progress
from tools.models.old_formats import OLD_FILES, converted, upgraded

MOST = 2**30
"""The most bytes of an old file that are read."""


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
    """Migrates the runs of the formats 4 and 5, and the digests of the pointer; others are left as they are.

    Raises:
        ModelError: the pointer is damaged; nothing was changed then.
        StorageError: a file cannot be read or written; what was migrated stays.
    """
    promoted = {entry.get("run_id"): entry.get("manifest_sha256") for entry in _entries(store)}
    done = Migration()
    manifests: dict[str, tuple[str, bytes]] = {}
    found_runs = list(runs)
    for number, run_id in enumerate(found_runs):
        progress(number, len(found_runs), "models")
        try:
            found = _prepared(store, run_id, promoted.get(run_id))
        except ModelError as error:
            done.refused[run_id] = error.problem
            continue
        if found is None:
            _remove_old(store, run_id)
            done.unchanged.append(run_id)
        else:
            manifests[run_id] = found
    done.pointer_moved = _repoint(store, manifests)
    for run_id, (_, manifest) in manifests.items():
        store.write(f"{run_id}/{SUCCESS}", f"{sha256(manifest)}\n".encode())
        store.write(f"{run_id}/{MANIFEST}", manifest)
        _remove_old(store, run_id)
        done.migrated.append(run_id)
    return done


def _prepared(store: ArtifactStore, run_id: str, promoted: str | None) -> tuple[str, bytes] | None:
    """The digest of a run's old manifest and its new manifest, whose other files are written; None for a run of today.

    Raises:
        ModelError: a file of the run was altered, or it cannot be migrated.
    """
    content, digest = stored_manifest(store, run_id)
    manifest = parsed(content, f"{store.uri}/{run_id}/{MANIFEST}")
    if manifest.get("format_version") == FORMAT_VERSION:
        if sha256(content) != digest:
            raise altered(store, run_id, MANIFEST)
        return None
    try:
        return _converted(store, run_id, manifest, content, digest, promoted)
    except ModelError:
        if sha256(store.read(f"{run_id}/{MANIFEST}")) != sha256(content):  # by another migration, meanwhile
            return _prepared(store, run_id, promoted)
        raise


def _converted(
    store: ArtifactStore, run_id: str, manifest: dict[str, Any], content: bytes, digest: str, promoted: str | None
) -> tuple[str, bytes]:
    """The digest of the old manifest and the new manifest, whose other files are written."""
    upgraded(manifest)
    old = sha256(content)
    files = converted(manifest, _files(store, run_id, manifest), old)
    new = sha256(files[MANIFEST])
    if digest not in (old, new):
        raise altered(store, run_id, MANIFEST)
    if promoted not in (None, old, new):
        raise ModelError(f"model {run_id} is not the one that was promoted in {store.uri}", RETRAIN)
    for name, made in files.items():
        if name != MANIFEST:
            store.write(f"{run_id}/{name}", made)
    return old, files[MANIFEST]


def _files(store: ArtifactStore, run_id: str, manifest: dict[str, Any]) -> dict[str, bytes]:
    """The files that an old manifest lists.

    Raises:
        ModelError: one is missing, or is not as the manifest says.
    """
    names = OLD_FILES[manifest["format_version"]]
    listed = section(manifest.get("files"), "the list of files", *names)
    files = {}
    for name in names:
        files[name] = store.read(f"{run_id}/{name}", MOST)
        if sha256(files[name]) != section(listed[name], name, "sha256")["sha256"]:
            raise altered(store, run_id, name)
    return files


def _repoint(store: ArtifactStore, manifests: dict[str, tuple[str, bytes]]) -> bool:
    """Names the new manifests in the pointer, in one write; False where there is nothing to change."""

    def renewed(entry: dict[str, Any]) -> dict[str, Any]:
        old, manifest = manifests.get(str(entry.get("run_id")), ("", b""))
        return entry | {"manifest_sha256": sha256(manifest)} if entry.get("manifest_sha256") == old else entry

    while True:  # until nobody else moved it between
        content = pointer_content(store)
        pointer = parsed_pointer(store, content)
        if pointer is None:
            return False
        changed = renewed(pointer) | {"previous": [renewed(entry) for entry in pointer["previous"]]}
        if changed == pointer:
            return False
        if swapped(store, POINTER, content, encoded(changed)):
            return True


def _remove_old(store: ArtifactStore, run_id: str) -> None:
    """Removes what no release needs that reads today's format."""
    old = dict.fromkeys(name for names in OLD_FILES.values() for name in names if name not in FILES_MOST)
    for name in (name for name in old if store.exists(f"{run_id}/{name}")):
        try:
            store.delete(f"{run_id}/{name}")
        except StorageError:
            if store.exists(f"{run_id}/{name}"):
                raise


def _entries(store: ArtifactStore) -> list[dict[str, Any]]:
    """The entries of the pointer: the current run and those before it."""
    pointer = read_pointer(store)
    return [pointer, *pointer["previous"]] if pointer else []
