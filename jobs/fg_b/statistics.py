"""Order statistics of many metrics at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from common.arrays import Flags, Floats, Integers
from common.features.scales import MAD_TO_SIGMA

COMPUTED = ("median", "p25", "p75", "p95", "p99", "mad", "iqr", "support_count", "cold_start_flag")
QUANTILES = {"p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True)
class Statistics:
    """The statistics of a baseline: one entry per metric, NaN without support."""

    values: dict[str, Floats]
    support: Integers


def statistics(values: Floats) -> Statistics:
    """The quantiles, `mad`, `iqr` and support of each row of `values`, shape `(n_metrics, n)`; NaN is null.

    `mad` is the median of the absolute deviations from the median, `iqr` is p75 - p25.
    """
    ordered = np.sort(values, axis=1)
    support = _support(ordered)
    named = {name: _quantile(ordered, support, share) for name, share in QUANTILES.items()}
    named["mad"] = _mad(ordered, support, named["median"])
    named["iqr"] = named["p75"] - named["p25"]
    return Statistics(named, support)


def outliers(values: Floats, floors: Floats, median: Floats, mad: Floats, z_max: float) -> Flags:
    """Which columns of `values`, shape `(n_metrics, n)`, are outliers in any row.

    An outlier lies more than `z_max` scales from the median; the scale is the larger of 1.4826 mad and the floor.
    Floors, median and mad have shape `(n_metrics,)`.
    """
    scale = np.maximum(MAD_TO_SIGMA * mad, floors)
    distance = np.abs(values - median[:, np.newaxis])
    return np.asarray((distance / scale[:, np.newaxis] > z_max).any(axis=0))


def median_and_mad(values: Floats) -> tuple[Floats, Floats]:
    """The median and the median absolute deviation of each row of `values`; NaN is null."""
    ordered = np.sort(values, axis=1)
    support = _support(ordered)
    median = _quantile(ordered, support, 0.5)
    return median, _mad(ordered, support, median)


def _support(ordered: Floats) -> Integers:
    return np.asarray(ordered.shape[1] - np.isnan(ordered).sum(axis=1), dtype=np.int64)


def _mad(ordered: Floats, support: Integers, median: Floats) -> Floats:
    deviations = np.sort(np.abs(ordered - median[:, np.newaxis]), axis=1)
    return _quantile(deviations, support, 0.5)


def _quantile(ordered: Floats, support: Integers, share: float) -> Floats:
    """The quantile of each sorted row, interpolated linearly between the two nearest ranks; NaN sorts last."""
    if not ordered.shape[1]:
        return np.full(len(ordered), np.nan)
    rank = share * np.maximum(support - 1, 0)
    below = np.floor(rank).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(support - 1, 0))
    rows = np.arange(len(ordered))
    low, high = ordered[rows, below], ordered[rows, above]
    return np.asarray(low + (high - low) * (rank - below))
