"""Rows of the model input with some structure: behaviours whose features move together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from common.detection.inputs import fg_a_feature, model_features
from common.features.spec import load_spec
from jobs.if_training.synthetic_anomalies import behaviours

SPEC = load_spec("v1")
NAMES = model_features(SPEC).names
GROUPS = behaviours(NAMES, SPEC)


def structured(count: int, seed: int) -> NDArray[np.float32]:
    """Rows in which all features of a behaviour are its level and a little noise, null in deviations 1 in 20 times."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(0, 0.1, (count, len(NAMES)))
    for columns in GROUPS.values():
        matrix[:, columns] += rng.gamma(1.0, 2.0, (count, 1))
    deviations = [column for column, name in enumerate(NAMES) if fg_a_feature(name) != name]
    matrix[np.ix_(range(count), deviations)] = np.where(
        rng.random((count, len(deviations))) < 0.05, np.nan, matrix[:, deviations]
    )
    matrix[:, NAMES.index("hour_of_day")] = np.arange(count) % 24
    matrix[:, NAMES.index("is_weekend")] = 0
    return matrix.astype(np.float32)
