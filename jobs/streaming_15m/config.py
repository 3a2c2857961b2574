"""Configuration of the 15-minute stage, and the part of it for each of its stages."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TypeVar

from common.runtime.context import StageConfig
from jobs.delta.config import DeltaConfig
from jobs.fg_c.config import DeviationConfig
from jobs.inference.config import InferenceConfig
from jobs.join.config import JoinConfig

FIRST_STAGES = ("delta", "fg-a", "fg-c")
"""The stages that a run may begin with."""

LAST_STAGES = ("fg-c", "join")
"""The stages that a run may end with."""

Part = TypeVar("Part", bound=StageConfig)


@dataclass(frozen=True)
class StreamingConfig(DeltaConfig):
    """The configuration of the delta stage, the month of the baselines, and the stages to begin and to end with.

    Without a month, each window has its own.
    """

    baseline_month: str | None
    first: str
    last: str

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

    @property
    def scoring(self) -> InferenceConfig:
        """The configuration of ndr-inference."""
        return self._part(InferenceConfig)

    @property
    def joining(self) -> JoinConfig:
        """The configuration of the join, staged under the mini-batch's id."""
        return replace(self._part(JoinConfig), staged=self.mini_batch_id)

    def _part(self, kind: type[Part]) -> Part:
        shared = {entry.name for entry in fields(kind)} & {entry.name for entry in fields(self)}
        return kind(**{name: getattr(self, name) for name in shared})
