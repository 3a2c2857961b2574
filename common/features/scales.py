"""Robust scales of deviations from a median."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from common.arrays import Floats
from common.features.spec import FeatureSpec, Metric

MAD_TO_SIGMA = 1.4826
IQR_TO_SIGMA = 1 / 1.349


def scale_floors(spec: FeatureSpec, metrics: Iterable[Metric], medians: Floats) -> Floats:
    """The smallest scale of each metric at its median, shape `(n_metrics, n)` like the medians.

    It is the larger of a constant and a share of the median, which the metric's kind gives; NaN where the median is.
    """
    floors = [spec.floors[metric.kind] for metric in metrics]
    constants = np.array([floor.constant for floor in floors])[:, np.newaxis]
    shares = np.array([floor.median_share for floor in floors])[:, np.newaxis]
    return np.asarray(np.maximum(constants, shares * medians), dtype=np.float64)
