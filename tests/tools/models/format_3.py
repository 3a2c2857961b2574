"""Models as the release before wrote them, made from models of today."""

from __future__ import annotations

import json
from typing import Any

from common.detection.registry.formats import encoded, sha256
from common.detection.registry.pointer import ArtifactStore

ENSEMBLE = {
    "clip": 6.0, "forest_weight": 0.25, "matrix_weight": 0.25, "spread_weight": 0.25, "pair_prior_rows": 100.0,
    "evidence_strongest": 2, "evidence_decades_max": 4.0,
}  # fmt: skip


def manifest_of_format_3(manifest: dict[str, Any], **differs: Any) -> bytes:
    """The manifest as format 3 had it: seven constants, and no parameters."""
    kept = {name: value for name, value in manifest.items() if name != "parameters"}
    return encoded(kept | {"format_version": 3, "ensemble": ENSEMBLE} | differs)


def write_format_3(store: ArtifactStore, run_id: str, **differs: Any) -> None:
    """Puts a run back into format 3, and the digests of the pointer with it."""
    content = manifest_of_format_3(json.loads(store.read(f"{run_id}/manifest.json")), **differs)
    store.write(f"{run_id}/manifest.json", content)
    store.write(f"{run_id}/SUCCESS", f"{sha256(content)}\n".encode())
    pointer = json.loads(store.read("current.json"))
    for entry in (pointer, *pointer["previous"]):
        if entry["run_id"] == run_id:
            entry["manifest_sha256"] = sha256(content)
    store.write("current.json", encoded(pointer))
