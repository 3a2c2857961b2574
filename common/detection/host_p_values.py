"""How rare a score is for one host: by its own past and that of all hosts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats, Integers
from common.detection.checked import MOST, damaged, floats, number, section, whole
from common.detection.parameters import CalibrationParameters
from common.detection.registry.tensors import Arrays, vector


@dataclass(frozen=True, eq=False)
class PastScores:
    """The training scores of each host: how many there are, and the highest.

    `hosts` are rising codes; `highest` has the shape (n_hosts, n_kept), falling, -inf for none.
    """

    hosts: Integers
    rows: Integers
    highest: Floats

    @classmethod
    def of(cls, scores: Floats, hosts: Integers, most: int) -> PastScores:
        """Of these scores, each with the code of its host, at most the `most` highest of each host."""
        order = np.lexsort((-scores, hosts))
        codes, first, rows = np.unique(hosts[order], return_index=True, return_counts=True)
        place = np.arange(len(order)) - np.repeat(first, rows)
        kept = place < most
        highest = np.full((len(codes), min(most, int(rows.max(initial=0)))), -np.inf)
        highest[np.repeat(np.arange(len(codes)), rows)[kept], place[kept]] = scores[order][kept]
        return cls(codes, rows, highest)

    def of_hosts(self, scores: Floats, hosts: Integers) -> tuple[Floats, Floats]:
        """How many scores the host of each score has, and how many of its highest are at least as high."""
        known, own = np.zeros(len(scores)), np.zeros(len(scores))
        place = np.minimum(np.searchsorted(self.hosts, hosts), max(len(self.hosts) - 1, 0))
        rows = np.flatnonzero(self.hosts[place] == hosts) if len(self.hosts) else np.zeros(0, dtype=np.int64)
        known[rows] = self.rows[place[rows]]
        for column in self.highest.T:
            own[rows] += column[place[rows]] >= scores[rows]
        return known, own

    @classmethod
    def none(cls) -> PastScores:
        """The scores of no host."""
        nothing = np.zeros(0, dtype=np.int64)
        return cls(nothing, nothing, np.zeros((0, 0)))

    @classmethod
    def from_arrays(cls, arrays: Arrays, name: str) -> PastScores:
        """Those that `HostPValues.arrays` gave.

        Raises:
            ModelError: they are damaged.
        """
        hosts, rows = (vector(arrays, f"{name}.{part}", "<i8") for part in ("hosts", "rows"))
        highest = vector(arrays, f"{name}.highest", "<f8", 2)
        if (
            not len(hosts) == len(rows) == len(highest)
            or not (hosts[1:] > hosts[:-1]).all()
            or not ((rows >= 1) & (rows <= MOST)).all()
            or not ((np.abs(highest) <= MOST) | np.isneginf(highest)).all()
            or not (highest[:, 1:] <= highest[:, :-1]).all()
        ):
            raise damaged(name)
        return cls(hosts, rows, highest)


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
    hosts: PastScores
    parameters: CalibrationParameters

    @classmethod
    def fit(cls, scores: Floats, hosts: Integers, parameters: CalibrationParameters) -> HostPValues:
        """The p-values of these scores, one for each host, by its code, and window."""
        ordered = np.sort(scores)
        rows = len(ordered)
        tail = min(_tail_rows(rows, parameters), rows)
        threshold = float(ordered[-tail])
        spread = max(float(np.mean(ordered[-tail:]) - threshold), parameters.tail_spread_min)
        values, first = np.unique(ordered, return_index=True)
        points = min(len(values), parameters.host_grid_points)
        kept = np.unique(np.round(np.geomspace(1, len(values), points)).astype(np.int64)) - 1
        kept = len(values) - 1 - kept[::-1]
        own = PastScores.of(scores, hosts, parameters.host_scores_kept)
        return cls(values[kept], (rows - first[kept]).astype(np.float64), rows, threshold, spread, own, parameters)

    def neg_log10_p(self, scores: Floats, hosts: Integers, trained: bool = False) -> Floats:
        """-log10 of the p-value of each score for its host; `trained`: the scores are training scores."""
        place = np.minimum(np.searchsorted(self.values, scores), len(self.values) - 1)
        count = np.where(scores > self.values[-1], 0.0, self.counts[place])
        beyond = np.exp(-np.maximum(scores - self.threshold, 0.0) / self.spread)
        tail = _tail_rows(self.rows, self.parameters) / self.rows
        everywhere = np.where(scores > self.threshold, tail * beyond, (count + 1) / (self.rows + 1))
        known, own = self.hosts.of_hosts(scores, hosts)
        if trained:
            known, own = np.maximum(known - 1, 0), np.maximum(own - 1, 0)
        prior = self.parameters.host_prior_rows
        return np.asarray(-np.log10(np.minimum((own + prior * everywhere) / (known + prior), 1.0)))

    def without_hosts(self) -> HostPValues:
        """Those of all hosts alone."""
        return replace(self, hosts=PastScores.none())

    def to_dict(self) -> dict[str, Any]:
        """The p-values beside `arrays` as JSON values."""
        return {
            "values": self.values.tolist(),
            "counts": self.counts.tolist(),
            "rows": self.rows,
            "threshold": self.threshold,
            "spread": self.spread,
        }

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """The hosts' own scores as arrays whose names begin with `name`."""
        return {f"{name}.{part}": getattr(self.hosts, part) for part in ("hosts", "rows", "highest")}

    @classmethod
    def from_parts(cls, raw: Any, arrays: Arrays, name: str, parameters: CalibrationParameters) -> HostPValues:
        """The p-values that `to_dict` and `arrays` gave.

        Raises:
            ModelError: they are damaged.
        """
        what = "the p-values of hosts"
        section(raw, what, "values", "counts", "rows", "threshold", "spread")
        values = floats(raw["values"], what, rising=True)
        counts = floats(raw["counts"], what, len(values), least=0)
        if not len(values):
            raise damaged(what)
        rows, threshold = whole(raw["rows"], what, 1), number(raw["threshold"], what)
        spread = number(raw["spread"], what, parameters.tail_spread_min)
        return cls(values, counts, rows, threshold, spread, PastScores.from_arrays(arrays, name), parameters)


def _tail_rows(rows: int, parameters: CalibrationParameters) -> int:
    """The number of highest training scores that make up the tail."""
    most, fewest = parameters.tail_rows_max, parameters.tail_rows_min
    return min(most, max(fewest, rows // parameters.tail_rows_divisor))
