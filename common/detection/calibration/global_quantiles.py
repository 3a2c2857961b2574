"""From raw scores to their rank among the training scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

GRID = 10_001
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ScoreQuantiles:
    """The empirical distribution of the training scores, on a grid of quantiles.

    `values` are distinct and increasing, `levels` the share of the training scores below each. The survival of a
    score s, the share of normal behaviour that is at least as odd, is

    - up to the training maximum: 1 - n/(n+1) * level(s), linear between the grid's points;
    - above it: 1/(n+1) / (1 + (s - maximum) / spread), so that scores that training never saw still rank. `spread` is
      the distance from the training median to the maximum.
    """

    values: Floats
    levels: Floats
    rows: int
    spread: float

    @classmethod
    def fit(cls, scores: Floats) -> ScoreQuantiles:
        """The distribution of these scores, all finite, at least one."""
        levels = np.linspace(0.0, 1.0, GRID)
        values, first = np.unique(np.quantile(scores, levels), return_index=True)
        median, maximum = float(np.median(scores)), float(values[-1])
        spread = maximum - median if maximum > median else max(abs(maximum), 1.0)
        # tied scores count as "at least as odd", so a value takes the lowest of its levels; the maximum keeps level 1
        kept = levels[first]
        kept[-1] = 1.0
        return cls(values, kept, len(scores), spread)

    def survival(self, scores: Floats) -> Floats:
        """The estimated share of normal behaviour at least as odd, in (0, 1], strictly falling above the maximum."""
        top = self.rows / (self.rows + 1)
        inside = 1.0 - top * np.interp(scores, self.values, self.levels)
        beyond = np.maximum(scores - self.values[-1], 0.0) / self.spread
        return np.asarray(np.where(beyond > 0, (1.0 - top) / (1.0 + beyond), inside))

    def anomaly_score(self, scores: Floats) -> Floats:
        """The quantile of each score among the training scores, in [0, 1], never falling as the score rises."""
        return np.asarray(1.0 - self.survival(scores))

    def surprise(self, scores: Floats) -> Floats:
        """Decades of oddness, -log10 of the survival: 0 is ordinary, 3 is one in a thousand; unbounded above."""
        return np.asarray(-np.log10(self.survival(scores)))

    def to_dict(self) -> dict[str, Any]:
        """The distribution as JSON values."""
        return {
            "values": self.values.tolist(),
            "levels": self.levels.tolist(),
            "rows": self.rows,
            "spread": self.spread,
        }

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> ScoreQuantiles:
        """The distribution that `to_dict` wrote."""
        values, levels = (np.asarray(raw[name], dtype=np.float64) for name in ("values", "levels"))
        return cls(values, levels, int(raw["rows"]), float(raw["spread"]))
