"""The models of a project: their location, their manifests, and which of them is current."""

from __future__ import annotations

import re
from typing import Any

from pyarrow import fs

from common.detection.checked import RETRAIN
from common.detection.registry.formats import (
    FORMAT_VERSION,
    MIGRATE,
    can_be_migrated,
    parsed,
    remedy_of,
    sha256,
)
from common.errors import ModelError, ParameterError
from common.storage.files import Folder

MANIFEST, SUCCESS, POINTER = "manifest.json", "SUCCESS", "current.json"
JSON_MOST = 2**28
"""The most bytes of a file that are read as JSON, which takes several times as much memory."""
SHORT = 2**10
CUT_OFF = 5
"""How often a pointer in S3 is read that is cut off: its length is asked for first, and another may come between."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class ArtifactStore(Folder):
    """Small files below one URI, on a local disk or in S3, each written whole or not at all."""

    def read(self, name: str, most: int = JSON_MOST) -> bytes:
        """The content of a file of at most that many bytes.

        Raises:
            ModelError: it is missing, or larger.
            StorageError: it cannot be read.
        """
        path = f"{self._root}/{name}"
        with self._reported(name, "read"):
            if self._files.get_file_info(path).type != fs.FileType.File:
                raise ModelError(
                    f"model file {self.uri}/{name} does not exist", "Train a model with ndr-if-training first"
                )
            with self._files.open_input_file(path) as file:
                size = file.size()  # of the open file: another one may have taken its name since
                if size > most:
                    raise ModelError(
                        f"model file {self.uri}/{name} has {size:,} bytes, more than the {most:,} that are read",
                        RETRAIN,
                    )
                return bytes(file.read(size))


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
    """The pointer to the current run: `run_id`, `manifest_sha256`, the `previous` ones, those `rolled_back`, and the
    `decision` that moved it last.

    None before the first model is promoted.

    Raises:
        ModelError: the pointer is damaged.
    """
    return parsed_pointer(store, pointer_content(store))


def pointer_content(store: ArtifactStore) -> bytes | None:
    """The bytes of the pointer; None before the first model is promoted."""
    if not store.exists(POINTER):
        return None
    content = store.read(POINTER)
    for _ in range(CUT_OFF if store.is_remote else 0):
        if content.endswith(b"}"):
            break
        content = store.read(POINTER)
    return content


def parsed_pointer(store: ArtifactStore, content: bytes | None) -> dict[str, Any] | None:
    """What the bytes of the pointer say, see `read_pointer`."""
    if content is None:
        return None
    remedy = "Delete it and deploy a model again: --stage deploy --run-id"
    pointer = {"previous": [], "rolled_back": []} | parsed(content, f"{store.uri}/{POINTER}", remedy)
    kinds = (("previous", dict), ("rolled_back", str))
    if any(
        not isinstance(pointer[name], list) or not all(isinstance(entry, kind) for entry in pointer[name])
        for name, kind in kinds
    ):
        raise ModelError(f"{store.uri}/{POINTER} is damaged", remedy)
    return pointer


def current_run(store: ArtifactStore) -> str:
    """The run that the pointer names.

    Raises:
        ModelError: no model was promoted, or the pointer is damaged or its run was altered.
    """
    pointer = read_pointer(store)
    if pointer is None:
        raise ModelError(f"there is no current model in {store.uri}", "Train one with ndr-if-training")
    return checked_entry(store, pointer)


def promoted_run(store: ArtifactStore, run_id: str) -> str:
    """The run, which is or was current, unaltered since it was promoted.

    Raises:
        ModelError: it was not promoted, or the pointer is damaged or the run was altered.
    """
    for entry in promoted_entries(store):
        if entry["run_id"] == run_id:
            return checked_entry(store, entry)
    raise ModelError(f"model {run_id} was not promoted in {store.uri}", "Deploy it: --stage deploy --run-id")


def promoted_entries(store: ArtifactStore) -> list[dict[str, Any]]:
    """The entries of the pointer: of the current run, if there is one, and of those before it.

    Raises:
        ModelError: the pointer is damaged.
    """
    pointer = read_pointer(store) or {"previous": []}
    return [entry for entry in (pointer, *pointer["previous"]) if "run_id" in entry]


def checked_entry(store: ArtifactStore, entry: dict[str, Any]) -> str:
    """The run of an entry of the pointer, whose manifest is the one that was promoted.

    Raises:
        ModelError: the run is missing or was altered.
    """
    run_id, promoted = str(entry.get("run_id", "")), entry.get("manifest_sha256")
    content = _manifest(store, run_id)
    if sha256(content) != promoted:
        _refuse_old(store, run_id, content, str(promoted))
        raise ModelError(f"model {run_id} is not the one that was promoted in {store.uri}", RETRAIN)
    return run_id


def stored_manifest(store: ArtifactStore, run_id: str) -> tuple[bytes, str]:
    """The manifest of a run, and the digest that stands beside it in `SUCCESS`.

    The manifest is read first, against the order in which a migration writes: whoever reads meanwhile gets both old,
    both new, or the manifest of the old format, whose remedy is the migration.
    """
    content = store.read(f"{run_id}/{MANIFEST}")
    return content, store.read(f"{run_id}/{SUCCESS}", SHORT).decode(errors="replace").strip()


def altered(store: ArtifactStore, run_id: str, name: str) -> ModelError:
    """The error for a file that was altered after it was saved."""
    return ModelError(
        f"{name} of model {run_id} in {store.uri} was altered: its SHA-256 differs from the recorded one",
        "Do not use it; find out who changed it, then train the model again",
    )


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
        _refuse_old(store, run_id, content)
        raise altered(store, run_id, MANIFEST)
    return content


def _refuse_old(store: ArtifactStore, run_id: str, content: bytes, promoted: str = "") -> None:
    """Refuses a manifest that does not match its digests because a migration has begun, or has just come between."""
    try:
        manifest = parsed(content, MANIFEST)
    except ModelError:
        return
    origin = manifest.get("migrated_from")
    if can_be_migrated(manifest) or (isinstance(origin, dict) and origin.get("manifest_sha256") == promoted):
        raise ModelError(f"the migration of model {run_id} in {store.uri} has not ended", MIGRATE)
