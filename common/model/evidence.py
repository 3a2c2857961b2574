"""The evidence member: how rare a row's strongest deviations are, feature by feature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Matrix = NDArray[np.float32]
STRONGEST = 2
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

    def evidence(self, column: Floats) -> Floats:
        """-log10 of the share of training rows at or above each value, 0 for null, at most `DECADES_MAX`."""
        if not len(self.values):
            return np.zeros(len(column))
        logs = np.log10(self.counts)
        between = np.interp(column, self.values, logs)
        count = np.where(column > self.values[-1], 0.0, np.where(column < self.values[0], self.rows, 10.0**between))
        found = np.log10((self.rows + 1) / (count + 1))
        return np.asarray(np.where(np.isnan(column), 0.0, np.clip(found, 0.0, DECADES_MAX)))


@dataclass(frozen=True, eq=False)
class EvidenceMember:
    """The sum of the strongest pieces of evidence of a row, one for each behaviour.

    A group is a behaviour (a role and a metric); its evidence is the largest among its features. The raw score of a row
    is the sum over its `STRONGEST` groups, in decades.
    """

    groups: Mapping[str, tuple[str, ...]]
    tails: Mapping[str, Tail]

    @classmethod
    def fit(cls, matrix: Matrix, features: Sequence[str], groups: Mapping[str, tuple[str, ...]]) -> EvidenceMember:
        """The tails of the grouped features in the unscaled matrix, shape (n_rows, n_features), null as NaN."""
        place = {name: column for column, name in enumerate(features)}
        names = [name for members in groups.values() for name in members]
        return cls(groups, {name: Tail.fit(matrix[:, place[name]].astype(np.float64)) for name in names})

    def contributions(self, matrix: Matrix, features: Sequence[str]) -> Floats:
        """The evidence that counts, by row and feature, shape (n_rows, n_features); a row adds up to its score."""
        place = {name: column for column, name in enumerate(features)}
        rows = np.arange(len(matrix))
        strength = np.zeros((len(matrix), len(self.groups)))
        winner = np.zeros((len(matrix), len(self.groups)), dtype=np.intp)
        for number, members in enumerate(self.groups.values()):
            found = np.stack(
                [self.tails[name].evidence(matrix[:, place[name]].astype(np.float64)) for name in members], axis=1
            )
            best = np.argmax(found, axis=1)
            strength[:, number] = found[rows, best]
            winner[:, number] = np.array([place[name] for name in members])[best]
        order = np.argsort(-strength, axis=1, kind="stable")[:, :STRONGEST]
        result = np.zeros((len(matrix), len(features)))
        result[rows[:, None], winner[rows[:, None], order]] = strength[rows[:, None], order]
        return result

    def to_dict(self) -> dict[str, Any]:
        """The member as JSON values."""
        return {
            "groups": {name: list(members) for name, members in self.groups.items()},
            "tails": {
                name: {"values": tail.values.tolist(), "counts": tail.counts.tolist(), "rows": tail.rows}
                for name, tail in self.tails.items()
            },
        }

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> EvidenceMember:
        """The member that `to_dict` wrote."""
        tails = {
            name: Tail(np.asarray(tail["values"], float), np.asarray(tail["counts"], float), int(tail["rows"]))
            for name, tail in raw["tails"].items()
        }
        return cls({name: tuple(members) for name, members in raw["groups"].items()}, tails)
