"""Robust scaling, clipping and imputation, as learnt from the training window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.arrays import Floats, Matrix
from common.detection.checked import damaged, floats, number, section, texts
from common.detection.parameters import PreprocessingParameters
from common.errors import InputError

SCALE_LEAST = float(np.finfo(np.float32).tiny)
"""The least scale that is not 0 among float32 values."""


@dataclass(frozen=True, eq=False)
class Preprocessor:
    """Median, interquartile range and scale of each feature that the model uses.

    `features` are all inputs in order; `mask` those that are used, in the same order, with one entry each in `medians`,
    `iqrs` and `scales`; `dropped` maps the others to the reason. The scale is the IQR; where that is 0, because most
    rows have the same value, it is the root mean square distance from the median.
    """

    features: tuple[str, ...]
    mask: tuple[str, ...]
    medians: Floats
    iqrs: Floats
    scales: Floats
    dropped: dict[str, str]
    clip: float

    @classmethod
    def fit(
        cls,
        matrix: Matrix,
        features: Sequence[str],
        parameters: PreprocessingParameters,
        left_out: Mapping[str, str] | None = None,
    ) -> Preprocessor:
        """The statistics of the matrix, shape (n_rows, n_features), null as NaN.

        A feature is dropped when it is null in all rows (`all_null`), holds an infinity (`non_finite`), or differs from
        its median in fewer rows than `near_constant_rows` or `near_constant_share` ask for (`near_constant`); so are
        those of `left_out`, which maps them to the reason.

        Raises:
            InputError: no feature is left.
        """
        mask: list[str] = []
        statistics: list[tuple[float, float, float]] = []
        dropped: dict[str, str] = {}
        for column, name in enumerate(features):
            if left_out and name in left_out:
                dropped[name] = left_out[name]
                continue
            values = matrix[:, column].astype(np.float64)
            reason, found = _statistics(values[~np.isnan(values)], len(values), parameters)
            if reason:
                dropped[name] = reason
            else:
                mask.append(name)
                statistics.append(found)
        if not mask:
            raise InputError(
                "no feature of the training window varies", "Train on a longer window, or check FG-A and FG-C"
            )
        medians, iqrs, scales = np.array(statistics).T
        return cls(tuple(features), tuple(mask), medians, iqrs, scales, dropped, parameters.clip)

    @property
    def columns(self) -> NDArray[np.intp]:
        """The positions of the mask's features among all inputs."""
        used = set(self.mask)
        return np.array([place for place, name in enumerate(self.features) if name in used], dtype=np.intp)

    @property
    def median_by_name(self) -> dict[str, float]:
        """The training median of each used feature."""
        return dict(zip(self.mask, self.medians.tolist(), strict=True))

    def transform(self, matrix: Matrix) -> Matrix:
        """The used features of the rows, imputed, scaled and clipped: float32, shape (n_rows, len(mask)), no NaN."""
        scaled = matrix[:, self.columns]
        scaled -= self.medians.astype(np.float32)
        scaled /= self.scales.astype(np.float32)
        np.clip(scaled, -self.clip, self.clip, out=scaled)
        return np.nan_to_num(scaled, copy=False, nan=0.0)

    def to_dict(self) -> dict[str, Any]:
        """The statistics as JSON values."""
        return {
            "features": list(self.features),
            "mask": list(self.mask),
            "medians": self.medians.tolist(),
            "iqrs": self.iqrs.tolist(),
            "scales": self.scales.tolist(),
            "dropped": self.dropped,
            "imputation": "median",
            "clip": self.clip,
        }

    @classmethod
    def from_dict(cls, raw: Any) -> Preprocessor:
        """The statistics that `to_dict` wrote.

        Raises:
            ModelError: they are damaged: the mask is not an ordered subset of the features, or a statistic is missing.
        """
        what = "the preprocessing"
        section(raw, what, "features", "mask", "medians", "iqrs", "scales", "dropped", "clip")
        features, mask = texts(raw["features"], what), texts(raw["mask"], what)
        medians, iqrs = (floats(raw[name], what, len(mask)) for name in ("medians", "iqrs"))
        scales = floats(raw["scales"], what, len(mask), least=SCALE_LEAST)
        used = set(mask)
        if not mask or tuple(name for name in features if name in used) != mask:
            raise damaged("the feature mask")
        dropped = section(raw["dropped"], what)
        return cls(features, mask, medians, iqrs, scales, dropped, number(raw["clip"], what, 0.0))


def _statistics(
    values: Floats, rows: int, parameters: PreprocessingParameters
) -> tuple[str, tuple[float, float, float]]:
    """The reason to drop a column (or nothing), and its median, IQR and scale, from its non-null values."""
    nothing = (0.0, 0.0, 0.0)
    if not len(values):
        return "all_null", nothing
    if not np.isfinite(values).all():
        return "non_finite", nothing
    lower, median, upper = np.quantile(values, [0.25, 0.5, 0.75])
    distances = values - median
    if np.count_nonzero(distances) < max(parameters.near_constant_rows, parameters.near_constant_share * rows):
        return "near_constant", nothing
    iqr = float(upper - lower)
    return "", (float(median), iqr, iqr if iqr > 0 else float(np.sqrt(np.mean(distances**2))))
