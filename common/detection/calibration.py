"""How rare a value is by the training data: of one quantity, and of a score.

Both give -log10 of a p-value, the share of training that is at least as high: 0 is ordinary, 3 is one in a thousand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from common.arrays import Floats, Integers
from common.detection.checked import damaged, floats, number, section, whole
from common.detection.parameters import CalibrationParameters


@dataclass(frozen=True, eq=False)
class UpperTail:
    """The empirical upper tail of one quantity: `counts` training rows were at or above each of the rising `values`.

    `rows` counts all training rows, those without a value included.
    """

    values: Floats
    counts: Floats
    rows: int

    @classmethod
    def fit(cls, column: Floats, parameters: CalibrationParameters) -> UpperTail:
        """The tail of a column, NaN for null, on a grid of ranks with a few points per doubling."""
        return cls._of(np.sort(column[~np.isnan(column)]), 0, len(column), parameters)

    @classmethod
    def of_positive(cls, positive: Floats, zeros: int, parameters: CalibrationParameters) -> UpperTail:
        """That of a column that has these values above 0, in any order, and so many zeros."""
        ordered = np.sort(positive)
        return cls._of(ordered, zeros, zeros + len(ordered), parameters)

    @classmethod
    def _of(cls, ordered: Floats, zeros: int, rows: int, parameters: CalibrationParameters) -> UpperTail:
        """The tail of zeros and, after them, ordered values."""
        found = zeros + len(ordered)
        if not found:
            return cls(np.zeros(0), np.zeros(0), rows)
        steps = np.arange(0, np.log2(found) + 1, 1 / parameters.tail_points_per_doubling)
        ranks = np.unique(np.clip(np.append(2.0**steps, found).astype(np.int64), 1, found))
        place = len(ordered) - ranks
        values = np.unique(np.where(place < 0, 0.0, np.append(ordered, 0.0)[np.maximum(place, 0)]))
        counts = len(ordered) - np.searchsorted(ordered, values, side="left") + zeros * (values <= 0)
        return cls(values, counts.astype(np.float64), rows)

    def neg_log10_p(self, column: Floats, most: float, beyond: float = 0.0, tail_rows: int = 0) -> Floats:
        """-log10 of the share of training rows at or above each value: 0 for null, at most `most`.

        A value above all of training has up to `beyond` more, as the exponential tail of the `tail_rows` highest values
        goes on.
        """
        if not len(self.values):
            return np.zeros(len(column))
        logs = np.log10(self.counts)
        between = np.interp(column, self.values, logs)
        count = np.where(column > self.values[-1], 0.0, np.where(column < self.values[0], self.rows, 10.0**between))
        found = np.clip(np.log10((self.rows + 1) / (count + 1)), 0.0, most)
        if beyond:
            found += np.clip((column - self.values[-1]) * self._slope(tail_rows), 0.0, beyond)
        return np.asarray(np.where(np.isnan(column), 0.0, found))

    def _slope(self, tail_rows: int) -> float:
        """The decades by which the count falls for each unit of the value, among so many highest values or more."""
        first = max(int(np.count_nonzero(self.counts >= tail_rows)) - 1, 0)
        rise = self.values[-1] - self.values[first]
        return float(np.log10(self.counts[first] / self.counts[-1]) / rise) if rise > 0 else 0.0

    def to_dict(self) -> dict[str, Any]:
        """The tail as JSON values."""
        return {"values": self.values.tolist(), "counts": self.counts.tolist(), "rows": self.rows}

    @classmethod
    def from_dict(cls, raw: Any) -> UpperTail:
        """The tail that `to_dict` wrote.

        Raises:
            ModelError: it is damaged.
        """
        what = "an upper tail"
        section(raw, what, "values", "counts", "rows")
        values = floats(raw["values"], what, rising=True)
        counts = floats(raw["counts"], what, len(values), least=1)
        return cls(values, counts, whole(raw["rows"], what))


@dataclass(frozen=True, eq=False)
class ScoreQuantiles:
    """The empirical distribution of the training scores, on a grid of quantiles.

    `values` are distinct and increasing, `levels` the share of the training scores below each. The p-value of a score
    s is

    - up to the training maximum: 1 - n/(n+1) * level(s), linear between the points of the grid;
    - above it: 1/(n+1) / (1 + (s - maximum) / spread), so that scores that training never saw still rank. `spread` is
      the distance from the training median to the maximum.
    """

    values: Floats
    levels: Floats
    rows: int
    spread: float

    @classmethod
    def fit(cls, scores: Floats, parameters: CalibrationParameters) -> ScoreQuantiles:
        """The distribution of these scores, all finite, at least one."""
        levels = np.linspace(0.0, 1.0, parameters.quantile_points)
        values, first = np.unique(np.quantile(scores, levels), return_index=True)
        median, maximum = float(np.median(scores)), float(values[-1])
        spread = maximum - median if maximum > median else max(abs(maximum), 1.0)
        # tied scores count as at least as high, so a value takes the lowest of its levels; the maximum keeps level 1
        kept = levels[first]
        kept[-1] = 1.0
        return cls(values, kept, len(scores), spread)

    @classmethod
    def of_host_days(
        cls, scores: Floats, host_days: Integers, alert_score: float, parameters: CalibrationParameters
    ) -> ScoreQuantiles:
        """The distribution of scores of hosts' days, each with a number, at least one.

        A score that more than `alerts_per_1000_host_days` of further days would exceed is at most `alert_score`,
        however few scores exceed it: of n days, r of n + 1 lie above the r-th highest.
        """
        order = np.lexsort((scores, host_days))
        last = np.append(host_days[order][1:] != host_days[order][:-1], True)
        highest = np.sort(scores[order][last])[::-1]
        rank = max(int(parameters.alerts_per_1000_host_days / 1000 * (len(highest) + 1)), 1)
        return cls.fit(scores, parameters).holding(float(highest[rank - 1]), alert_score)

    def holding(self, bound: float, most: float) -> ScoreQuantiles:
        """The same, but the training score `bound` has at most the anomaly score `most`.

        Higher scores share what is above that, and lower ones from twice as far from 1 what is below.
        """
        most, highest = most * (self.rows + 1) / self.rows, float(np.interp(bound, self.values, self.levels))
        if most >= highest:
            return self
        values = np.union1d(self.values, bound)
        levels = np.interp(values, self.values, self.levels)
        unmoved, above = 2 * most - 1, [1.0] * (highest < 1)
        return replace(
            self, values=values, levels=np.interp(levels, [0.0, unmoved, highest, *above], [0.0, unmoved, most, *above])
        )

    def p_values(self, scores: Floats) -> Floats:
        """The estimated share of normal behaviour that scores at least as high, in (0, 1]."""
        top = self.rows / (self.rows + 1)
        inside = 1.0 - top * np.interp(scores, self.values, self.levels)
        beyond = np.maximum(scores - self.values[-1], 0.0) / self.spread
        return np.asarray(np.where(beyond > 0, (1.0 - top) / (1.0 + beyond), inside))

    def anomaly_score(self, scores: Floats) -> Floats:
        """The quantile of each score among the training scores, in [0, 1), never falling as the score rises."""
        return np.asarray(1.0 - self.p_values(scores))

    def neg_log10_p(self, scores: Floats) -> Floats:
        """-log10 of the p-values, unbounded above."""
        return np.asarray(-np.log10(self.p_values(scores)))

    def to_dict(self) -> dict[str, Any]:
        """The distribution as JSON values."""
        return {
            "values": self.values.tolist(),
            "levels": self.levels.tolist(),
            "rows": self.rows,
            "spread": self.spread,
        }

    @classmethod
    def from_dict(cls, raw: Any) -> ScoreQuantiles:
        """The distribution that `to_dict` wrote.

        Raises:
            ModelError: it is damaged.
        """
        what = "the quantiles of a score"
        section(raw, what, "values", "levels", "rows", "spread")
        values = floats(raw["values"], what, rising=True)
        levels = floats(raw["levels"], what, len(values), least=0)
        spread = number(raw["spread"], what)
        if not len(values) or levels.max() > 1 or spread <= 0:
            raise damaged(what)
        return cls(values, levels, whole(raw["rows"], what, 1), spread)
