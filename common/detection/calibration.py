"""How rare a value is by the training data: of one quantity, of a score, and of a score for one host.

All give -log10 of a p-value, the share of training that is at least as high: 0 is ordinary, 3 is one in a thousand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats
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
        rows = len(column)
        ordered = np.sort(column[~np.isnan(column)])
        found = len(ordered)
        if not found:
            return cls(np.zeros(0), np.zeros(0), rows)
        steps = np.arange(0, np.log2(found) + 1, 1 / parameters.tail_points_per_doubling)
        ranks = np.unique(np.clip(np.append(2.0**steps, found).astype(np.int64), 1, found))
        values = np.unique(ordered[found - ranks])
        counts = found - np.searchsorted(ordered, values, side="left")
        return cls(values, counts.astype(np.float64), rows)

    def neg_log10_p(self, column: Floats, most: float) -> Floats:
        """-log10 of the share of training rows at or above each value: 0 for null, at most `most`."""
        if not len(self.values):
            return np.zeros(len(column))
        logs = np.log10(self.counts)
        between = np.interp(column, self.values, logs)
        count = np.where(column > self.values[-1], 0.0, np.where(column < self.values[0], self.rows, 10.0**between))
        found = np.log10((self.rows + 1) / (count + 1))
        return np.asarray(np.where(np.isnan(column), 0.0, np.clip(found, 0.0, most)))

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


@dataclass(frozen=True, eq=False)
class HostPValues:
    """The p-values of scores for each host: a mixture of its own past with that of all hosts.

    For all hosts: the share of the training scores at least as high; above `threshold` the tail of an exponential
    distribution with the mean excess `spread`, so that what training never saw still ranks. For a host with n training
    scores, k of them at least as high, and the p-value p of all hosts: (k + m p) / (n + m), where m is
    `host_prior_rows`. So a host that is anomalous every day does not fill the list of alerts, and the score of a host
    that was always quiet ranks higher than the same score elsewhere. Only the highest scores of a host are kept: a
    score below them all counts as if it were just below the lowest.
    """

    values: Floats
    counts: Floats
    rows: int
    threshold: float
    spread: float
    hosts: Mapping[str, tuple[int, tuple[float, ...]]]
    parameters: CalibrationParameters

    @classmethod
    def fit(cls, scores: Floats, hosts: NDArray[Any], parameters: CalibrationParameters) -> HostPValues:
        """The p-values of these scores, one for each host and window."""
        ordered = np.sort(scores)
        rows = len(ordered)
        tail = min(_tail_rows(rows, parameters), rows)
        threshold = float(ordered[-tail])
        spread = max(float(np.mean(ordered[-tail:]) - threshold), parameters.tail_spread_min)
        values, first = np.unique(ordered, return_index=True)
        points = min(len(values), parameters.host_grid_points)
        kept = np.unique(np.round(np.geomspace(1, len(values), points)).astype(np.int64)) - 1
        kept = len(values) - 1 - kept[::-1]
        own: dict[str, tuple[int, tuple[float, ...]]] = {}
        names, place = np.unique(hosts.astype(str), return_inverse=True)
        order = np.lexsort((-scores, place))
        for name, part in zip(names, np.split(order, np.cumsum(np.bincount(place))[:-1]), strict=True):
            highest = scores[part[: parameters.host_scores_kept]]
            own[str(name)] = (len(part), tuple(float(value) for value in highest))
        return cls(values[kept], (rows - first[kept]).astype(np.float64), rows, threshold, spread, own, parameters)

    def neg_log10_p(self, scores: Floats, hosts: NDArray[Any], trained: bool = False) -> Floats:
        """-log10 of the p-value of each score for its host; `trained`: the scores are training scores."""
        place = np.minimum(np.searchsorted(self.values, scores), len(self.values) - 1)
        count = np.where(scores > self.values[-1], 0.0, self.counts[place])
        beyond = np.exp(-np.maximum(scores - self.threshold, 0.0) / self.spread)
        tail = _tail_rows(self.rows, self.parameters) / self.rows
        everywhere = np.where(scores > self.threshold, tail * beyond, (count + 1) / (self.rows + 1))
        known, own = np.zeros(len(scores)), np.zeros(len(scores))
        names, at = np.unique(hosts.astype(str), return_inverse=True)
        groups = np.split(np.argsort(at, kind="stable"), np.cumsum(np.bincount(at))[:-1])
        for name, mine in zip(names, groups, strict=True):
            rows, highest = self.hosts.get(str(name), (0, ()))
            known[mine] = rows
            own[mine] = len(highest) - np.searchsorted(np.array(highest[::-1]), scores[mine], side="left")
        if trained:
            known, own = np.maximum(known - 1, 0), np.maximum(own - 1, 0)
        prior = self.parameters.host_prior_rows
        return np.asarray(-np.log10(np.minimum((own + prior * everywhere) / (known + prior), 1.0)))

    def to_dict(self) -> dict[str, Any]:
        """The p-values as JSON values."""
        return {
            "values": self.values.tolist(),
            "counts": self.counts.tolist(),
            "rows": self.rows,
            "threshold": self.threshold,
            "spread": self.spread,
            "hosts": {name: [rows, list(highest)] for name, (rows, highest) in self.hosts.items()},
        }

    @classmethod
    def from_dict(cls, raw: Any, parameters: CalibrationParameters) -> HostPValues:
        """The p-values that `to_dict` wrote.

        Raises:
            ModelError: they are damaged.
        """
        what = "the p-values of hosts"
        section(raw, what, "values", "counts", "rows", "threshold", "spread", "hosts")
        values = floats(raw["values"], what, rising=True)
        counts = floats(raw["counts"], what, len(values), least=0)
        if not len(values):
            raise damaged(what)
        hosts: dict[str, tuple[int, tuple[float, ...]]] = {}
        for name, entry in section(raw["hosts"], what).items():
            if not isinstance(entry, list) or len(entry) != 2:
                raise damaged(what)
            hosts[name] = whole(entry[0], what), tuple(floats(entry[1], what).tolist())
        rows, threshold = whole(raw["rows"], what, 1), number(raw["threshold"], what)
        spread = number(raw["spread"], what, parameters.tail_spread_min)
        return cls(values, counts, rows, threshold, spread, hosts, parameters)


def _tail_rows(rows: int, parameters: CalibrationParameters) -> int:
    """The number of highest training scores that make up the tail."""
    most, fewest = parameters.tail_rows_max, parameters.tail_rows_min
    return min(most, max(fewest, rows // parameters.tail_rows_divisor))
