"""The evidence member: how rare a row's strongest deviations are, feature by feature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.detection.calibration.upper_tail import DECADES_MAX, Tail
from common.detection.pairs.model import PairModel

Floats = NDArray[np.float64]
Matrix = NDArray[np.float32]
__all__ = ["DECADES_MAX", "EvidenceMember", "Tail"]
STRONGEST = 2
CREDIT_DECADES = 1.0


@dataclass(frozen=True, eq=False)
class EvidenceMember:
    """The sum of the strongest pieces of evidence of a row, one for each behaviour.

    A group is a behaviour (a role and a metric); its evidence is the largest among its features. The raw score of a row
    is the sum over its `STRONGEST` groups, in decades. All groups within `CREDIT_DECADES` of the last one that counts
    are credited with it, the stronger the more: which of several near equals comes first says nothing.

    `pairs`, where the lake had pairs to learn from, judges what the features cannot hold: single peers.
    """

    groups: Mapping[str, tuple[str, ...]]
    tails: Mapping[str, Tail]
    pairs: PairModel | None = None

    @classmethod
    def fit(cls, matrix: Matrix, features: Sequence[str], groups: Mapping[str, tuple[str, ...]]) -> EvidenceMember:
        """The tails of the grouped features in the unscaled matrix, shape (n_rows, n_features), null as NaN."""
        place = {name: column for column, name in enumerate(features)}
        names = [name for members in groups.values() for name in members]
        return cls(groups, {name: Tail.fit(matrix[:, place[name]].astype(np.float64)) for name in names})

    def scores(self, matrix: Matrix, features: Sequence[str]) -> Floats:
        """The raw scores of the rows, shape (n_rows,)."""
        strength, _ = self._strengths(matrix, features)
        return np.asarray(_leading(strength).sum(axis=1))

    def contributions(self, matrix: Matrix, features: Sequence[str]) -> Floats:
        """What each feature is credited with, shape (n_rows, n_features); a row adds up to its score."""
        strength, winner = self._strengths(matrix, features)
        leading = _leading(strength)
        floor = leading[:, -1:] - CREDIT_DECADES
        credit = np.where(strength > 0, np.maximum(strength - floor, 0.0), 0.0)
        total = credit.sum(axis=1, keepdims=True)
        scale = leading.sum(axis=1, keepdims=True) / np.where(total > 0, total, 1.0)
        result = np.zeros((len(matrix), len(features)))
        result[np.arange(len(matrix))[:, None], winner] = credit * scale
        return result

    def _strengths(self, matrix: Matrix, features: Sequence[str]) -> tuple[Floats, NDArray[np.intp]]:
        """The evidence of each group, shape (n_rows, n_groups), and the column that it is of."""
        place = {name: column for column, name in enumerate(features)}
        shape = (len(matrix), len(self.groups))
        strength, winner = np.zeros(shape), np.zeros(shape, dtype=np.intp)
        for number, members in enumerate(self.groups.values()):
            found = np.stack(
                [self.tails[name].evidence(matrix[:, place[name]].astype(np.float64)) for name in members], axis=1
            )
            best = np.argmax(found, axis=1)
            strength[:, number] = found[np.arange(len(matrix)), best]
            winner[:, number] = np.array([place[name] for name in members])[best]
        return strength, winner

    def to_dict(self) -> dict[str, Any]:
        """The member as JSON values."""
        return {
            "groups": {name: list(members) for name, members in self.groups.items()},
            "tails": {name: tail.to_dict() for name, tail in self.tails.items()},
            "pairs": self.pairs.to_dict() if self.pairs else None,
        }

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> EvidenceMember:
        """The member that `to_dict` wrote."""
        tails = {name: Tail.from_dict(tail) for name, tail in raw["tails"].items()}
        groups = {name: tuple(members) for name, members in raw["groups"].items()}
        return cls(groups, tails, PairModel.from_dict(raw["pairs"]) if raw["pairs"] else None)


def _leading(strength: Floats) -> Floats:
    """The `STRONGEST` largest of each row, largest first, so that their sum does not depend on the groups' order."""
    return np.asarray(-np.sort(-strength, axis=1)[:, :STRONGEST])
