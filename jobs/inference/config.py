"""Configuration of the inference stage."""

from __future__ import annotations

from dataclasses import dataclass

from common.runtime.context import StageConfig


@dataclass(frozen=True)
class InferenceConfig(StageConfig):
    """What inference is told: the run to use (the current one without), and the reasons given for each prediction."""

    model: str | None
    top_features: int
