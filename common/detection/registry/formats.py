"""The formats of a manifest: how it is written, and how one in the previous format is migrated."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from common.errors import ModelError

FORMAT_VERSION = 4
MIGRATED_FORMAT = 3
MIGRATE = "Run ndr-models migrate --lake LAKE --project-name NAME"
RETRAIN = "Train the model again"


def encoded(value: Any) -> bytes:
    """The value as JSON, the same bytes for equal values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def sha256(content: bytes) -> str:
    """The SHA-256 of the bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def parsed(content: bytes, where: str, remedy: str = RETRAIN) -> dict[str, Any]:
    """The JSON object that the bytes hold.

    Raises:
        ModelError: they are not a JSON object.
    """
    try:
        found = json.loads(content)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ModelError(f"{where} is damaged", remedy)
    return found


def upgraded(manifest: dict[str, Any]) -> dict[str, Any]:
    """A manifest of format 3 in the current format, with all constants of the code that wrote it.

    Raises:
        ModelError: it is of another format, or was made with other constants than that code had.
    """
    run_id, version = manifest.get("run_id"), manifest.get("format_version")
    if version != MIGRATED_FORMAT:
        raise ModelError(f"model {run_id} has format {version}, which cannot be migrated", RETRAIN)
    if manifest.get("ensemble") != _ensemble():
        raise ModelError(
            f"model {run_id} was trained with the constants {manifest.get('ensemble')}, not {_ensemble()}", RETRAIN
        )
    kept = {name: value for name, value in manifest.items() if name != "ensemble"}
    return kept | {"format_version": FORMAT_VERSION, "parameters": _parameters()}


def half_migrated(content: bytes, digest: str) -> bool:
    """Whether the bytes are a migrated manifest, and the digest is that of its original."""
    try:
        manifest = json.loads(content)
    except ValueError:
        return False
    return isinstance(manifest, dict) and original_sha256(manifest) == digest


def original_sha256(manifest: dict[str, Any]) -> str | None:
    """The digest of the manifest before it was migrated; None for one that was not, or has other constants."""
    if manifest.get("format_version") != FORMAT_VERSION or manifest.get("parameters") != _parameters():
        return None
    kept = {name: value for name, value in manifest.items() if name != "parameters"}
    return sha256(encoded(kept | {"format_version": MIGRATED_FORMAT, "ensemble": _ensemble()}))


def remedy_of(manifest: dict[str, Any]) -> str:
    """What to do with a manifest of another format."""
    return MIGRATE if manifest.get("format_version") == MIGRATED_FORMAT else RETRAIN


@cache
def _parameters() -> dict[str, Any]:
    """The constants of the code that wrote models of format 3. They are history, and never change."""
    found: dict[str, Any] = yaml.safe_load((files(__package__) / "format_3.yaml").read_text("utf-8"))
    return found


def _ensemble() -> dict[str, Any]:
    """Those of the constants that format 3 wrote down, by its names."""
    found = _parameters()
    return {
        "clip": found["preprocessing"]["clip"],
        "forest_weight": found["weights"]["forest"],
        "matrix_weight": found["weights"]["features"],
        "spread_weight": found["weights"]["spread"],
        "pair_prior_rows": found["calibration"]["host_prior_rows"],
        "evidence_strongest": found["rarity"]["strongest"],
        "evidence_decades_max": found["rarity"]["log10_max"],
    }
