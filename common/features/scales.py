"""Robust scales: what counts as one step away from a median."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from common.features.spec import FeatureSpec, Metric

Floats = NDArray[np.float64]

MAD_TO_SIGMA = 1.4826
IQR_TO_SIGMA = 1 / 1.349


def scale_floors(spec: FeatureSpec, metrics: Iterable[Metric], medians: Floats) -> Floats:
    """The smallest scale of each metric at its median: shape `(n_metrics, n)` like the medians.

    A metric's kind says the constant, and the share of the median that takes its place where it is larger.
    Null where a share of a null median is asked for.
    """
    floors = [spec.floors[metric.kind] for metric in metrics]
    constants = np.array([floor.constant for floor in floors])[:, np.newaxis]
    shares = np.array([floor.median_share for floor in floors])[:, np.newaxis]
    return np.asarray(np.maximum(constants, shares * medians), dtype=np.float64)
