"""Configuration of the delta stage."""

from __future__ import annotations

from dataclasses import dataclass

from common.runtime.context import StageConfig


@dataclass(frozen=True)
class DeltaConfig(StageConfig):
    """The logs and how to read them; None means detection or the project parameters."""

    inputs: tuple[str, ...]
    log_format: str | None
    log_time_zone: str | None
    max_rejected_ratio: float | None
