"""Configuration of the 15-minute stage, and the part of it for each of its four stages."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TypeVar

from common.runtime.context import StageConfig
from jobs.delta.config import DeltaConfig
from jobs.fg_c.config import DeviationConfig

FIRST_STAGES = ("delta", "fg-a", "fg-c")
"""The stages that a run may begin with."""

Part = TypeVar("Part", bound=StageConfig)


@dataclass(frozen=True)
class StreamingConfig(DeltaConfig):
    """The configuration of the delta stage, the month of the baselines, and the stage to begin with.

    Without a month, each window has its own.
    """

    baseline_month: str | None
    first: str

    @property
    def delta(self) -> DeltaConfig:
        """The configuration of ndr-delta."""
        return self._part(DeltaConfig)

    @property
    def features(self) -> StageConfig:
        """The configuration of ndr-fg-a and ndr-pair-counts."""
        return self._part(StageConfig)

    @property
    def deviations(self) -> DeviationConfig:
        """The configuration of ndr-fg-c."""
        return self._part(DeviationConfig)

    def _part(self, kind: type[Part]) -> Part:
        shared = {entry.name for entry in fields(kind)} & {entry.name for entry in fields(self)}
        return kind(**{name: getattr(self, name) for name in shared})
