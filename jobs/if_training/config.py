"""Configuration of the training stage."""

from __future__ import annotations

from dataclasses import dataclass

from common.model.forest import ForestParameters
from common.stage import StageConfig


@dataclass(frozen=True)
class TrainingConfig(StageConfig):
    """What training is told: trees, rows drawn for each, seed, and the fewest rows that it accepts."""

    n_estimators: int
    max_samples: int
    random_state: int
    min_rows: int

    @property
    def forest(self) -> ForestParameters:
        """How the forest is grown."""
        return ForestParameters(self.n_estimators, self.max_samples, self.random_state)
