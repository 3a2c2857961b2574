"""Configuration of the serving stage."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ServeConfig:
    """The folder of the model, the digest of its manifest if known, where to listen, and the number of reasons."""

    model_folder: Path
    manifest_sha256: str | None
    address: str
    port: int
    top_features: int
