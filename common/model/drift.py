"""How far what comes in has moved from what the model was trained on.

The measure is the population stability index (PSI) of a feature, or of the raw score: both sides are counted in bins
that hold equal shares of the training rows, and PSI = sum of (found - expected) * ln(found / expected) over the bins. A
network is another one at night: training rows are counted for each time band (six parts of the day, weekend or not),
and the expected shares are those of the bands that the rows came from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2  # type: ignore[import-untyped]

from common.model.parameters import TrainingParameters
from common.spec import FeatureSpec

BINS = 10
SHARE_LEAST = 1e-4
CHANCE = 0.999
HOURS_PER_BAND = 4
BANDS = 2 * 24 // HOURS_PER_BAND
NAMED_MOST = 10
Matrix = NDArray[np.float32]
Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


def psi(expected: Floats, found: Floats) -> float:
    """The population stability index of two lists of shares; shares below 1 in 10,000 count as that."""
    a, e = np.maximum(found, SHARE_LEAST), np.maximum(expected, SHARE_LEAST)
    return float(np.sum((a - e) * np.log(a / e)))


def chance_psi(bins: int, rows: int) -> float:
    """The PSI that so many rows stay below in 999 of 1,000 draws from the expected shares themselves."""
    return float(chi2.ppf(CHANCE, bins - 1) / max(rows, 1))


def bin_edges(values: Floats) -> Floats:
    """The inner bounds of bins with equal shares of the finite values; fewer bins where values repeat."""
    known = values[np.isfinite(values)]
    if not len(known):
        return np.zeros(0)
    return np.unique(np.quantile(known, np.arange(1, BINS) / BINS))


def bin_numbers(values: Floats, edges: Floats) -> Counts:
    """The bin of each value: 0 up to and with the first bound, and so on; what is not finite has the last, its own."""
    return np.where(np.isfinite(values), np.searchsorted(edges, values, side="left"), len(edges) + 1)


def monitored(spec: FeatureSpec) -> tuple[str, ...]:
    """The features that are watched: what a host does in the window itself."""
    label = min(spec.window_labels, key=lambda name: spec.window_labels[name])
    return tuple(spec.fg_a_name(role, metric, label) for role in spec.roles for metric in spec.metric_names)


def time_bands(matrix: Matrix, features: Sequence[str]) -> Counts:
    """The time band of each row, by its hour of day and weekend flag."""
    hour, weekend = (np.nan_to_num(matrix[:, features.index(name)]) for name in ("hour_of_day", "is_weekend"))
    part = np.clip(hour, 0, 23).astype(np.int64) // HOURS_PER_BAND
    return part + (weekend > 0) * (BANDS // 2)


@dataclass(frozen=True, eq=False)
class DriftReference:
    """The bins of the watched features and of the raw score, and how many training rows of each band they held.

    `names` are the features and, last, `raw_score`; `edges` and `counts` have an entry for each, `counts` of shape
    (BANDS, bins).
    """

    names: tuple[str, ...]
    edges: tuple[Floats, ...]
    counts: tuple[Counts, ...]

    @classmethod
    def fit(cls, matrix: Matrix, raw: Floats, features: Sequence[str], spec: FeatureSpec) -> DriftReference:
        """The reference of the rows and their raw scores."""
        names, bands = monitored(spec), time_bands(matrix, features)
        columns = [matrix[:, features.index(name)].astype(np.float64) for name in names] + [raw]
        edges = tuple(bin_edges(column) for column in columns)
        counts = tuple(_counts(column, edge, bands) for column, edge in zip(columns, edges, strict=True))
        return cls((*names, "raw_score"), edges, counts)

    def to_dict(self) -> dict[str, Any]:
        """The reference as JSON values."""
        return {
            "names": list(self.names),
            "edges": [entry.tolist() for entry in self.edges],
            "counts": [entry.tolist() for entry in self.counts],
        }

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> DriftReference:
        """The reference that `to_dict` wrote."""
        return cls(
            tuple(raw["names"]),
            tuple(np.asarray(entry, dtype=np.float64) for entry in raw["edges"]),
            tuple(np.asarray(entry, dtype=np.int64) for entry in raw["counts"]),
        )


class DriftMonitor:
    """Counts rows in the bins of a reference, and says how far they have moved."""

    def __init__(self, reference: DriftReference, features: Sequence[str]) -> None:
        self._reference = reference
        self._features = features
        self._columns = [features.index(name) for name in reference.names[:-1]]
        self._found = [np.zeros_like(entry) for entry in reference.counts]

    def add(self, matrix: Matrix, raw: Floats) -> None:
        """Counts rows of the model input and their raw scores."""
        bands = time_bands(matrix, self._features)
        columns = [matrix[:, column].astype(np.float64) for column in self._columns] + [raw]
        for found, values, edges in zip(self._found, columns, self._reference.edges, strict=True):
            found += _counts(values, edges, bands)

    def measure(self, parameters: TrainingParameters) -> dict[str, Any]:
        """The PSI of the score and of the features that moved most, and whether that is drift.

        The score has drifted when its PSI is above `drift_score_psi`, a feature above `drift_feature_psi`, and both
        above what chance gives for so few rows. The run has drifted when the score has, or more than
        `drift_feature_share` of the features. Rows of a band that training never saw are left out.
        """
        entries = [_moved(*pair) for pair in zip(self._reference.counts, self._found, strict=True)]
        (score, score_chance), features = entries[-1], dict(zip(self._reference.names, entries[:-1], strict=False))
        moved = {
            name: round(value, 4)
            for name, (value, chance) in sorted(features.items(), key=lambda entry: -entry[1][0])
            if value > max(parameters.drift_feature_psi, chance)
        }
        seen = self._reference.counts[-1].sum(axis=1) > 0
        score_drifted = score > max(parameters.drift_score_psi, score_chance)
        return {
            "rows": int(self._found[-1][seen].sum()),
            "rows_of_unseen_bands": int(self._found[-1][~seen].sum()),
            "score_psi": round(score, 4),
            "score_psi_of_chance": round(score_chance, 4),
            "features_moved": len(moved),
            "features_watched": len(features),
            "moved_most": dict(list(moved.items())[:NAMED_MOST]),
            "drifted": bool(score_drifted or len(moved) > parameters.drift_feature_share * len(features)),
        }

    def details(
        self, parameters: TrainingParameters, project_name: str, feature_spec_version: str, moment: datetime
    ) -> dict[str, Any]:
        """What a run report says: the `drift`, and as `retraining_requested`, where it has drifted, the input of the
        training state machine that asks for a model as of that time; else null.
        """
        drift = self.measure(parameters)
        wanted = {
            "project_name": project_name,
            "feature_spec_version": feature_spec_version,
            "reference_ts_iso": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        }
        return {"drift": drift, "retraining_requested": wanted if drift["drifted"] else None}


def _counts(values: Floats, edges: Floats, bands: Counts) -> Counts:
    bins = len(edges) + 2
    return np.bincount(bands * bins + bin_numbers(values, edges), minlength=BANDS * bins).reshape(BANDS, bins)


def _moved(trained: Counts, found: Counts) -> tuple[float, float]:
    """The PSI of the found counts against what training expects of their bands, and what chance gives."""
    totals = trained.sum(axis=1)
    seen = totals > 0
    rows = found[seen].sum(axis=1)
    if not rows.sum():
        return 0.0, 0.0
    shares = trained[seen] / totals[seen, None]
    expected = rows @ shares / rows.sum()
    bins = max(int(np.count_nonzero(expected)), 2)
    chance = chance_psi(bins, int(rows.sum())) + chance_psi(bins, int(totals[seen][rows > 0].sum()))
    return psi(expected, found[seen].sum(axis=0) / rows.sum()), chance
