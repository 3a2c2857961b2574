"""How far the input has moved from what a model was trained on.

The measure is the population stability index (PSI) of a feature, or of the raw score of the features: both sides are
counted in bins that hold equal shares of the training rows, and PSI = sum of (found - expected) * ln(found / expected)
over the bins. A network behaves differently at night: training rows are counted by hour of day and by weekday or
weekend, and the expected shares are those of the hours that the rows came from. Hosts are not independent draws: only a
PSI above that of single windows, or days, of the training range counts as drift.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from common.arrays import Floats, Integers, Matrix
from common.detection.checked import damaged, floats, section, texts, wholes
from common.detection.parameters import DriftParameters
from common.features.spec import FeatureSpec

HOURS = 24
BANDS = 2 * HOURS
SCORE = "raw_score"


def psi(expected: Floats, found: Integers, parameters: DriftParameters) -> Floats:
    """The population stability index of expected shares and found counts, over the last axis.

    Shares below `share_min`, or below that of half a row, count as that: else a bin that is empty because there are few
    rows would weigh most.
    """
    rows = np.maximum(found.sum(axis=-1, keepdims=True), 1)
    least = np.maximum(parameters.share_min, 0.5 / rows)
    a, e = np.maximum(found / rows, least), np.maximum(expected, least)
    return np.asarray(np.sum((a - e) * np.log(a / e), axis=-1))


def chance_psi(bins: int, rows: int, parameters: DriftParameters) -> float:
    """The PSI that `rows` independent draws from the expected shares rarely exceed."""
    return chi_square_quantile(parameters.chance_quantile, max(bins, 2) - 1) / max(rows, 1)


@cache
def chi_square_quantile(level: float, degrees: int) -> float:
    """The quantile of a chi-square distribution with a whole number of degrees of freedom."""
    low, high = 0.0, float(degrees)
    while _chi_square_tail(high, degrees) > 1 - level:
        high *= 2
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if _chi_square_tail(middle, degrees) > 1 - level else (low, middle)
    return high


def _chi_square_tail(value: float, degrees: int) -> float:
    """The share of the distribution above the value (Abramowitz and Stegun, 26.4.4 and 26.4.5)."""
    half, odd = value / 2, degrees % 2
    powers = np.arange(odd / 2, degrees / 2)
    terms = sum((half**power / math.gamma(power + 1) for power in powers.tolist()), 0.0)
    return (math.erfc(math.sqrt(half)) if odd else 0.0) + math.exp(-half) * terms


def bin_edges(values: Floats, bins: int) -> Floats:
    """The inner bounds of bins with equal shares of the finite values; fewer bins where values repeat."""
    known = values[np.isfinite(values)]
    return np.unique(np.quantile(known, np.arange(1, bins) / bins)) if len(known) else np.zeros(0)


def bin_numbers(values: Floats, edges: Floats) -> Integers:
    """The bin of each value; a bin includes its upper bound, and the last bin has the values that are not finite."""
    return np.where(np.isfinite(values), np.searchsorted(edges, values, side="left"), len(edges) + 1)


def monitored(spec: FeatureSpec) -> tuple[str, ...]:
    """The features that are monitored: those of the window itself."""
    label = min(spec.window_labels, key=lambda name: spec.window_labels[name])
    return tuple(spec.fg_a_name(role, metric, label) for role in spec.roles for metric in spec.metric_names)


def time_bands(matrix: Matrix, features: Sequence[str]) -> Integers:
    """The time band of each row: its hour of day, and 24 more at the weekend."""
    hour, weekend = (np.nan_to_num(matrix[:, features.index(name)]) for name in ("hour_of_day", "is_weekend"))
    return np.clip(hour, 0, HOURS - 1).astype(np.int64) + (weekend > 0) * HOURS


@dataclass(frozen=True, eq=False)
class DriftReference:
    """The bins of the monitored features and of the raw score, with the training rows in them and their own variation.

    All are in the order of `names`, of which the last is the score. `counts` has the training rows of each band and
    bin, shape (BANDS, bins). `window_levels` and `day_levels` are the PSI that nearly all windows, and all days, of the
    training range stayed below.
    """

    names: tuple[str, ...]
    edges: tuple[Floats, ...]
    counts: tuple[Integers, ...]
    window_levels: Floats
    day_levels: Floats

    @classmethod
    def fit(
        cls,
        matrix: Matrix,
        raw: Floats,
        features: Sequence[str],
        spec: FeatureSpec,
        parameters: DriftParameters,
        ends: Integers | None = None,
    ) -> DriftReference:
        """The reference of the rows and their raw scores; `ends`, in µs, are those of the rows' windows.

        Without `ends` all levels are 0.
        """
        names, bands = (*monitored(spec), SCORE), time_bands(matrix, features)
        edges, counts, levels = [], [], np.zeros((2, len(names)))
        for number, name in enumerate(names):
            values = raw if name == SCORE else matrix[:, features.index(name)].astype(np.float64)
            edge = bin_edges(values, parameters.bins)
            bins = bin_numbers(values, edge)
            edges.append(edge)
            counts.append(count_bins(bins, len(edge) + 2, bands))
            if ends is not None:
                levels[:, number] = _levels(bins, counts[-1], bands, ends, parameters)
        return cls(names, tuple(edges), tuple(counts), levels[0], levels[1])

    def to_dict(self) -> dict[str, Any]:
        """The reference as JSON values."""
        return {
            "names": list(self.names),
            "edges": [entry.tolist() for entry in self.edges],
            "counts": [entry.tolist() for entry in self.counts],
            "window_levels": self.window_levels.tolist(),
            "day_levels": self.day_levels.tolist(),
        }

    @classmethod
    def from_dict(cls, raw: Any, features: Sequence[str], parameters: DriftParameters) -> DriftReference:
        """The reference that `to_dict` wrote, of some of those features.

        Raises:
            ModelError: it is damaged.
        """
        what = "the drift reference"
        section(raw, what, "names", "edges", "counts", "window_levels", "day_levels")
        names = texts(raw["names"], what)
        if names[-1:] != (SCORE,) or not set(features).issuperset(names[:-1]):
            raise damaged(what)
        for name in ("edges", "counts"):
            if not isinstance(raw[name], list) or len(raw[name]) != len(names):
                raise damaged(what)
        edges = tuple(floats(entry, what, rising=True) for entry in raw["edges"])
        if max(map(len, edges)) >= parameters.bins:
            raise damaged(what)
        counts = tuple(_counts(entry, len(edge) + 2, what) for entry, edge in zip(raw["counts"], edges, strict=True))
        levels = (floats(raw[name], what, len(names)) for name in ("window_levels", "day_levels"))
        return cls(names, edges, counts, *levels)


def _counts(raw: Any, bins: int, what: str) -> Integers:
    """The rows of each band and bin, shape (BANDS, bins)."""
    if not isinstance(raw, list) or len(raw) != BANDS:
        raise damaged(what)
    return np.array([wholes(entry, what, bins) for entry in raw], dtype=np.int64)


def count_bins(numbers: Integers, bins: int, groups: Integers, count: int = BANDS) -> Integers:
    """How many rows of each group are in each bin, shape (count, bins)."""
    return np.bincount(groups * bins + numbers, minlength=count * bins).reshape(count, bins)


def expected_shares(trained: Integers, rows: Integers) -> Floats:
    """The shares of the bins that training expects of these numbers of rows of each band, shape (..., bins)."""
    shares = trained / np.maximum(trained.sum(axis=1, keepdims=True), 1)
    return np.asarray(rows @ shares / np.maximum(rows.sum(axis=-1, keepdims=True), 1))


def _levels(
    numbers: Integers, trained: Integers, bands: Integers, ends: Integers, parameters: DriftParameters
) -> tuple[float, float]:
    """The PSI that nearly all windows, and all days, stay below."""

    def level(groups: Integers, quantile: float) -> float:
        count = int(groups.max()) + 1
        found = count_bins(numbers, trained.shape[1], groups, count)
        rows = count_bins(bands, BANDS, groups, count)
        return float(np.quantile(psi(expected_shares(trained, rows), found, parameters), quantile))

    window, day = (np.unique(ends // unit, return_inverse=True)[1] for unit in (1, 86_400_000_000))
    return level(window, parameters.chance_quantile), level(day, 1.0)
