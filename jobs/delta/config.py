"""What the delta stage is told."""

from __future__ import annotations

from dataclasses import dataclass

from common.runtime.context import StageConfig


@dataclass(frozen=True)
class DeltaConfig(StageConfig):
    """Where the logs are and how to read them; None leaves it to detection or the project parameters."""

    inputs: tuple[str, ...]
    log_format: str | None
    log_time_zone: str | None
    max_rejected_ratio: float | None
