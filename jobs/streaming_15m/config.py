"""What the four feature stages are told, together and each."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TypeVar

from common.runtime.context import StageConfig
from jobs.delta.config import DeltaConfig
from jobs.fg_c.config import DeviationConfig

Part = TypeVar("Part", bound=StageConfig)


@dataclass(frozen=True)
class StreamingConfig(DeltaConfig):
    """What the delta stage is told, and the month of the baselines: None lets each window look for its own."""

    baseline_month: str | None

    @property
    def delta(self) -> DeltaConfig:
        """What the delta stage is told of it."""
        return self._part(DeltaConfig)

    @property
    def features(self) -> StageConfig:
        """What the stages of FG-A and pair counts are told of it."""
        return self._part(StageConfig)

    @property
    def deviations(self) -> DeviationConfig:
        """What the deviation stage is told of it."""
        return self._part(DeviationConfig)

    def _part(self, kind: type[Part]) -> Part:
        shared = {entry.name for entry in fields(kind)} & {entry.name for entry in fields(self)}
        return kind(**{name: getattr(self, name) for name in shared})
