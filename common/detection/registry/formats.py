"""The formats of a model's files: how they are written, and which can be migrated."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from common.detection.checked import RETRAIN
from common.errors import ModelError

FORMAT_VERSION = 7
MIGRATED_FORMATS = (4, 5)
MIGRATE = "Run ndr-models migrate --lake LAKE --project-name NAME"


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
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ModelError(f"{where} is damaged", remedy)
    return found


def remedy_of(manifest: dict[str, Any]) -> str:
    """What to do with a manifest of another format."""
    return MIGRATE if can_be_migrated(manifest) else RETRAIN


def can_be_migrated(manifest: dict[str, Any]) -> bool:
    """Whether the manifest is of a format that `ndr-models migrate` reads."""
    version = manifest.get("format_version")
    return type(version) is int and version in MIGRATED_FORMATS
