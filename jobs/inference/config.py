"""Configuration of the inference stage."""

from __future__ import annotations

from dataclasses import dataclass

from common.runtime.context import StageConfig


@dataclass(frozen=True)
class InferenceConfig(StageConfig):
    """The model to use (without it, the current one), and how many reasons each prediction gives."""

    model: str | None = None
    top_features: int = 8
