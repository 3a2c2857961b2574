"""The models of a project: their location, their manifests, and which of them is current."""

from __future__ import annotations

import re
from typing import Any

from common.detection.registry.formats import FORMAT_VERSION, MIGRATE, encoded, half_migrated, parsed, remedy_of, sha256
from common.errors import ModelError, ParameterError
from common.storage.files import Folder

MANIFEST, SUCCESS, POINTER = "manifest.json", "SUCCESS", "current.json"
KEPT = 10
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class ArtifactStore(Folder):
    """Small files below one URI, on a local disk or in S3, each written whole or not at all."""

    def read(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            ModelError: it is missing.
            StorageError: it cannot be read.
        """
        if not self.exists(name):
            raise ModelError(f"model file {self.uri}/{name} does not exist", "Train a model with ndr-if-training first")
        return super().read(name)


def model_store(lake_uri: str, project_name: str) -> ArtifactStore:
    """The store of a project's models: `<lake>/models/<project>`.

    Raises:
        ParameterError: the project's name cannot be part of a path.
    """
    if not _NAME.fullmatch(project_name):
        raise ParameterError(
            f"project name {project_name!r} cannot name a folder", "Use letters, digits, dots, dashes and underscores"
        )
    return ArtifactStore(f"{lake_uri}/models/{project_name}")


def is_complete(store: ArtifactStore, run_id: str) -> bool:
    """Whether the run was saved completely."""
    return store.exists(f"{run_id}/{SUCCESS}")


def read_manifest(store: ArtifactStore, run_id: str) -> dict[str, Any]:
    """The manifest of a complete run, unaltered since it was saved.

    Raises:
        ModelError: the run is missing, incomplete or altered, or of another format.
    """
    manifest = parsed(_manifest(store, run_id), f"{store.uri}/{run_id}/{MANIFEST}")
    if manifest.get("format_version") != FORMAT_VERSION:
        raise ModelError(
            f"model {run_id} has format {manifest.get('format_version')}, not {FORMAT_VERSION}", remedy_of(manifest)
        )
    return manifest


def manifest_sha256(store: ArtifactStore, run_id: str) -> str:
    """The digest of a complete run's manifest, which holds those of all its files.

    Raises:
        ModelError: the run is missing, incomplete or altered.
    """
    return sha256(_manifest(store, run_id))


def read_pointer(store: ArtifactStore) -> dict[str, Any] | None:
    """The pointer to the current run: `run_id`, `manifest_sha256`, the `previous` ones and those `rolled_back`.

    None before the first model is promoted.

    Raises:
        ModelError: the pointer is damaged.
    """
    if not store.exists(POINTER):
        return None
    pointer = parsed(
        store.read(POINTER), f"{store.uri}/{POINTER}", "Delete it and deploy a model again: --stage deploy --run-id"
    )
    return {"previous": [], "rolled_back": []} | pointer


def current_run(store: ArtifactStore) -> str:
    """The run that the pointer names.

    Raises:
        ModelError: no model was promoted, or the pointer is damaged or its run was altered.
    """
    pointer = read_pointer(store)
    if pointer is None:
        raise ModelError(f"there is no current model in {store.uri}", "Train one with ndr-if-training")
    return _checked(store, pointer)


def promoted_run(store: ArtifactStore, run_id: str) -> str:
    """The run, which is or was current, unaltered since it was promoted.

    Raises:
        ModelError: it was not promoted, or the pointer is damaged or the run was altered.
    """
    pointer = read_pointer(store) or {"previous": []}
    for entry in (pointer, *pointer["previous"]):
        if entry.get("run_id") == run_id:
            return _checked(store, entry)
    raise ModelError(f"model {run_id} was not promoted in {store.uri}", "Deploy it: --stage deploy --run-id")


def promote(store: ArtifactStore, run_id: str) -> bool:
    """Makes a complete run the current model of the project; False if it is current already.

    The pointer is written whole or not at all, and keeps the runs before it.

    Raises:
        ModelError: the run is missing, incomplete or altered, or the pointer is damaged.
    """
    entry = {"run_id": run_id, "manifest_sha256": manifest_sha256(store, run_id)}
    pointer = read_pointer(store)
    if pointer is None:
        _point(store, entry, [], [])
        return True
    old = _entry(pointer)
    if old == entry:
        return False
    previous = [found for found in (old, *pointer["previous"]) if found["run_id"] != run_id]
    _point(store, entry, previous, [name for name in pointer["rolled_back"] if name != run_id])
    return True


def roll_back(store: ArtifactStore, run_id: str | None = None) -> tuple[str, str]:
    """The run that was current and the one before it, which has become current again.

    With `run_id`, only where that run is current: else nothing is changed, and both are the current one.

    Raises:
        ModelError: there is no current run, none before it, or that one is missing or was altered.
    """
    pointer = read_pointer(store)
    if pointer is None:
        raise ModelError(f"there is no current model in {store.uri}", "Train one with ndr-if-training")
    current = str(pointer.get("run_id", ""))
    if run_id is not None and current != run_id:
        return current, current
    if not pointer["previous"]:
        raise ModelError(
            f"model {current} in {store.uri} is the first one", "There is no earlier model to roll back to"
        )
    entry, *older = pointer["previous"]
    _checked(store, entry)
    rolled_back = [current, *(name for name in pointer["rolled_back"] if name not in (current, entry["run_id"]))]
    _point(store, entry, older, rolled_back)
    return current, str(entry["run_id"])


def stored_manifest(store: ArtifactStore, run_id: str) -> tuple[bytes, str]:
    """The manifest of a run, and the digest that stands beside it in `SUCCESS`.

    The digest is read first, against the order in which a migration writes: whoever reads meanwhile gets both old, both
    new, or a migrated manifest with the digest of its original, and never takes a migration for a forgery.
    """
    digest = store.read(f"{run_id}/{SUCCESS}").decode(errors="replace").strip()
    return store.read(f"{run_id}/{MANIFEST}"), digest


def altered(store: ArtifactStore, run_id: str, name: str) -> ModelError:
    """The error for a file that was altered after it was saved."""
    return ModelError(
        f"{name} of model {run_id} in {store.uri} was altered: its SHA-256 differs from the recorded one",
        "Do not use it; find out who changed it, then train the model again",
    )


def _point(store: ArtifactStore, entry: dict[str, Any], previous: list[Any], rolled_back: list[str]) -> None:
    store.write(POINTER, encoded({**entry, "previous": previous[:KEPT], "rolled_back": rolled_back[:KEPT]}))


def _entry(pointer: dict[str, Any]) -> dict[str, Any]:
    return {name: pointer.get(name) for name in ("run_id", "manifest_sha256")}


def _checked(store: ArtifactStore, entry: dict[str, Any]) -> str:
    """The run of an entry, whose manifest is the one that was promoted."""
    run_id, promoted = str(entry.get("run_id", "")), entry.get("manifest_sha256")
    content = _manifest(store, run_id)
    if sha256(content) != promoted:
        if promoted and half_migrated(content, promoted):
            raise ModelError(f"the migration of model {run_id} in {store.uri} was interrupted", MIGRATE)
        raise ModelError(f"model {run_id} is not the one that was promoted in {store.uri}", "Train the model again")
    return run_id


def _manifest(store: ArtifactStore, run_id: str) -> bytes:
    if not _NAME.fullmatch(run_id):
        raise ModelError(f"{run_id!r} is not a model run", f"Give the name of a folder in {store.uri}")
    if not is_complete(store, run_id):
        raise ModelError(
            f"model {run_id} in {store.uri} does not exist or was not saved completely: it has no {SUCCESS}",
            "Run ndr-if-training again",
        )
    content, digest = stored_manifest(store, run_id)
    if sha256(content) != digest:
        if half_migrated(content, digest):
            raise ModelError(f"the migration of model {run_id} in {store.uri} was interrupted", MIGRATE)
        raise altered(store, run_id, MANIFEST)
    return content
