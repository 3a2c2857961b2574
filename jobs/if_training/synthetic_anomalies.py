"""Synthetic anomalies: rows made anomalous, to measure without labels how well scores find them.

A synthetic anomaly is a real row whose values of one to three feature families were replaced by those of other rows,
each the most extreme of some dozens or hundreds drawn at random. So every value was seen in the network, a family is
consistent in itself (all its look-backs and deviations come from one row), and what is anomalous is that rare values
of several families meet in one row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from common.arrays import Flags, Floats, Integers, Matrix
from common.detection.inputs import feature_family
from common.detection.preprocessing import Preprocessor
from common.features.spec import FeatureSpec

FAMILIES_MAX = 3
DONORS_MIN = 30
DONORS_MAX = 2_000


@dataclass(frozen=True)
class Separation:
    """How well scores tell synthetic anomalies from the rows of a block: 1 is perfect."""

    average_precision: float
    roc_auc: float


@dataclass(frozen=True, eq=False)
class Examination:
    """Rows of a block as they are, then synthetic anomalies; `synthetic` tells them apart."""

    values: Matrix
    synthetic: Flags

    @property
    def ordinary(self) -> Matrix:
        """The rows as they are."""
        return self.values[~self.synthetic]

    def separation(self, scores: Floats) -> Separation:
        """How well the scores of `values`, higher = more anomalous, find the synthetic anomalies."""
        return Separation(
            float(average_precision_score(self.synthetic, scores)), float(roc_auc_score(self.synthetic, scores))
        )


def examine(
    block: Matrix, preprocessor: Preprocessor, spec: FeatureSpec, rows: int, anomalies: int, seed: Sequence[int]
) -> Examination:
    """At most `rows` rows of the block, drawn at random, and `anomalies` synthetic anomalies made from them.

    The preprocessor says, by its scales, how extreme a row is in a feature family.
    """
    rng = np.random.default_rng(seed)
    ordinary = block[drawn_rows(len(block), rows, rng)]
    return Examination(
        np.concatenate([ordinary, _synthetic(ordinary, preprocessor, spec, anomalies, rng)]),
        np.repeat([False, True], [len(ordinary), anomalies]),
    )


def drawn_rows(rows: int, most: int, rng: np.random.Generator) -> Integers:
    """The sorted numbers of at most that many rows, each drawn once."""
    return np.arange(rows) if rows <= most else np.sort(rng.choice(rows, most, replace=False))


def feature_families(features: Sequence[str], spec: FeatureSpec) -> dict[str, NDArray[np.intp]]:
    """The columns of each feature family, of which the pair features are one; none for context and composites."""
    apart = {*spec.context, *spec.composites, "anomaly_strength_core"}
    found: dict[str, list[int]] = {}
    for column, name in enumerate(features):
        if name not in apart:
            found.setdefault("pairs" if name in spec.pair_features else feature_family(name, spec), []).append(column)
    return {name: np.array(columns) for name, columns in found.items()}


def _synthetic(
    rows: Matrix, preprocessor: Preprocessor, spec: FeatureSpec, count: int, rng: np.random.Generator
) -> Matrix:
    groups = [columns for _, columns in sorted(feature_families(preprocessor.features, spec).items())]
    extremes = _extremes(rows, preprocessor, groups)
    made = rows[rng.integers(0, len(rows), count)]
    bounds = np.log([min(DONORS_MIN, len(rows)), min(DONORS_MAX, len(rows)) + 1])
    for row in made:
        for group in rng.choice(len(groups), rng.integers(1, FAMILIES_MAX + 1), replace=False):
            donors = rng.integers(0, len(rows), int(np.exp(rng.uniform(*bounds))))
            donor = donors[np.argmax(extremes[donors, group])]
            row[groups[group]] = rows[donor, groups[group]]
    return made


def _extremes(rows: Matrix, preprocessor: Preprocessor, groups: Sequence[NDArray[np.intp]]) -> Matrix:
    """How far each row is from the median in each group, shape (n_rows, n_groups): the mean of its scaled distances."""
    distances = np.zeros(rows.shape, dtype=np.float32)
    distances[:, preprocessor.columns] = np.abs(preprocessor.transform(rows))
    return np.stack([distances[:, columns].mean(axis=1) for columns in groups], axis=1)
