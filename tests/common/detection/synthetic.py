"""Rows of the model input whose feature families move together, and settings to fit members with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from common.detection.inputs import fg_a_feature, model_features
from common.detection.members.member import FitSettings, ForestParameters
from common.detection.parameters import current_parameters
from jobs.if_training.growing import grow
from jobs.if_training.synthetic_anomalies import feature_families
from tests.factories import SPEC

NAMES = model_features(SPEC).names
GROUPS = feature_families(NAMES, SPEC)
PARAMETERS = current_parameters()
SEED = 20240101
SETTINGS = FitSettings(PARAMETERS, SPEC, ForestParameters(5, 256, SEED, n_jobs=1), grow)


def structured(count: int, seed: int) -> NDArray[np.float32]:
    """Rows in which all features of a family are its level and a little noise, null in deviations 1 in 20 times."""
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
