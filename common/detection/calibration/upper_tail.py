"""The upper tail of one quantity in training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
DECADES_MAX = 4.0
GRID_PER_DOUBLING = 2


@dataclass(frozen=True, eq=False)
class Tail:
    """The upper tail of one feature in training: `counts` rows were at or above each of the increasing `values`.

    Of `rows` rows in all, null ones included.
    """

    values: Floats
    counts: Floats
    rows: int

    @classmethod
    def fit(cls, column: Floats) -> Tail:
        """The tail of a column, NaN for null, on a grid of ranks that doubles every two points."""
        rows = len(column)
        ordered = np.sort(column[~np.isnan(column)])
        found = len(ordered)
        if not found:
            return cls(np.zeros(0), np.zeros(0), rows)
        steps = np.arange(0, np.log2(found) + 1, 1 / GRID_PER_DOUBLING)
        ranks = np.unique(np.clip(np.append(2.0**steps, found).astype(np.int64), 1, found))
        values = np.unique(ordered[found - ranks])
        counts = found - np.searchsorted(ordered, values, side="left")
        return cls(values, counts.astype(np.float64), rows)

    def evidence(self, column: Floats, most: float = DECADES_MAX) -> Floats:
        """-log10 of the share of training rows at or above each value, 0 for null, at most `most`."""
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
    def from_dict(cls, raw: dict[str, Any]) -> Tail:
        """The tail that `to_dict` wrote."""
        return cls(np.asarray(raw["values"], float), np.asarray(raw["counts"], float), int(raw["rows"]))
