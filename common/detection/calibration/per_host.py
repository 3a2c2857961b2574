"""How rare a score is for a host: among all of its kind, and among its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

TAIL_ROWS = 50
TAIL_SPREAD_MIN = 0.2
PRIOR_ROWS = 100.0
KEPT = 40
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class HostSurvival:
    """The survival of scores, for each host a mixture of its own past with that of all.

    Of all: the share of the training scores at least as high; beyond the 50th highest the tail of an exponential
    distribution with the same mean excess, so that what training never saw still ranks. For a host with n scores, k of
    them at least as high, and a survival s of all: (k + 100 s) / (n + 100). So a host whose odd windows are its usual
    does not fill the list of alerts, and a host that was always quiet ranks higher than the same score elsewhere. Of a
    host the 40 highest scores are kept: those below all count as 40.
    """

    values: Floats
    counts: Floats
    rows: int
    threshold: float
    spread: float
    hosts: Mapping[str, tuple[int, tuple[float, ...]]]

    @classmethod
    def fit(cls, scores: Floats, hosts: NDArray[Any]) -> HostSurvival:
        """The survival of these scores, one for each host and window."""
        ordered = np.sort(scores)
        rows = len(ordered)
        tail = min(_tail_rows(rows), rows)
        threshold = float(ordered[-tail])
        spread = max(float(np.mean(ordered[-tail:]) - threshold), TAIL_SPREAD_MIN)
        values, first = np.unique(ordered, return_index=True)
        kept = np.unique(np.round(np.geomspace(1, len(values), min(len(values), 2_000))).astype(np.int64)) - 1
        kept = len(values) - 1 - kept[::-1]
        own: dict[str, tuple[int, tuple[float, ...]]] = {}
        names, place = np.unique(hosts.astype(str), return_inverse=True)
        order = np.lexsort((-scores, place))
        for name, part in zip(names, np.split(order, np.cumsum(np.bincount(place))[:-1]), strict=True):
            own[str(name)] = (len(part), tuple(float(value) for value in scores[part[:KEPT]]))
        return cls(values[kept], (rows - first[kept]).astype(np.float64), rows, threshold, spread, own)

    def surprise(self, scores: Floats, hosts: NDArray[Any], trained: bool = False) -> Floats:
        """Decades of rarity, -log10 of the survival; `trained` says that each score is itself among the training."""
        place = np.minimum(np.searchsorted(self.values, scores), len(self.values) - 1)
        count = np.where(scores > self.values[-1], 0.0, self.counts[place])
        beyond = np.exp(-np.maximum(scores - self.threshold, 0.0) / self.spread)
        everywhere = np.where(
            scores > self.threshold, _tail_rows(self.rows) / self.rows * beyond, (count + 1) / (self.rows + 1)
        )
        known, own = np.zeros(len(scores)), np.zeros(len(scores))
        names, at = np.unique(hosts.astype(str), return_inverse=True)
        groups = np.split(np.argsort(at, kind="stable"), np.cumsum(np.bincount(at))[:-1])
        for name, mine in zip(names, groups, strict=True):
            rows, highest = self.hosts.get(str(name), (0, ()))
            known[mine] = rows
            own[mine] = len(highest) - np.searchsorted(np.array(highest[::-1]), scores[mine], side="left")
        if trained:
            known, own = np.maximum(known - 1, 0), np.maximum(own - 1, 0)
        return np.asarray(-np.log10(np.minimum((own + PRIOR_ROWS * everywhere) / (known + PRIOR_ROWS), 1.0)))

    def to_dict(self) -> dict[str, Any]:
        """The survival as JSON values."""
        return {
            "values": self.values.tolist(),
            "counts": self.counts.tolist(),
            "rows": self.rows,
            "threshold": self.threshold,
            "spread": self.spread,
            "hosts": {name: [rows, list(highest)] for name, (rows, highest) in self.hosts.items()},
        }

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> HostSurvival:
        """The survival that `to_dict` wrote."""
        hosts = {name: (int(rows), tuple(map(float, highest))) for name, (rows, highest) in raw["hosts"].items()}
        values, counts = (np.asarray(raw[name], dtype=np.float64) for name in ("values", "counts"))
        return cls(values, counts, int(raw["rows"]), float(raw["threshold"]), float(raw["spread"]), hosts)


def _tail_rows(rows: int) -> int:
    """How many of the highest training scores make the tail."""
    return min(TAIL_ROWS, max(2, rows // 10))
