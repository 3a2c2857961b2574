"""Whether the rows of a run have drifted, and the request for a new model if they have."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np

from common.arrays import Floats, Integers, Matrix
from common.config.training import TrainingParameters
from common.detection.drift.reference import (
    DriftReference,
    bin_numbers,
    chance_psi,
    count_bins,
    expected_shares,
    psi,
    time_bands,
)
from common.detection.parameters import DriftParameters

NAMED_MOST = 10


class DriftMonitor:
    """Counts rows in the bins of a reference, and measures how far they have moved."""

    def __init__(self, reference: DriftReference, features: Sequence[str], parameters: DriftParameters) -> None:
        self._reference, self._parameters = reference, parameters
        self._features = features
        self._columns = [features.index(name) for name in reference.names[:-1]]
        self._found = [np.zeros_like(entry) for entry in reference.counts]

    def add(self, matrix: Matrix, raw: Floats) -> None:
        """Counts rows of the model input and their raw scores."""
        bands = time_bands(matrix, self._features)
        columns = [matrix[:, column].astype(np.float64) for column in self._columns] + [raw]
        for found, values, edges in zip(self._found, columns, self._reference.edges, strict=True):
            found += count_bins(bin_numbers(values, edges), len(edges) + 2, bands)

    def include(self, other: DriftMonitor) -> None:
        """Counts the rows that another monitor of the same reference counted."""
        for found, more in zip(self._found, other._found, strict=True):
            found += more

    def measure(self, parameters: TrainingParameters, windows: int | None = None) -> dict[str, Any]:
        """The PSI of the score and of the features that moved most, and whether that is drift.

        The score has moved when its PSI is above `drift_score_psi`, a feature above `drift_feature_psi`, and both above
        what chance gives for so few rows and what a training window had by itself, or a training day for runs of
        `long_run_windows` or more, and without `windows`. The run has drifted when the score has moved, or more than
        `drift_feature_share` of the features. Rows of hours that training never saw are left out.
        """
        reference = self._reference
        long_run = windows is None or windows >= self._parameters.long_run_windows
        levels = reference.day_levels if long_run else reference.window_levels
        entries = [
            (name, *_moved(trained, found, self._parameters), float(level))
            for name, trained, found, level in zip(reference.names, reference.counts, self._found, levels, strict=True)
        ]
        *features, (_, score, chance, level) = entries
        limit = parameters.drift_feature_psi
        moved = {name: round(value, 4) for name, value, *bounds in features if value > max(limit, *bounds)}
        strongest = sorted(moved.items(), key=lambda entry: (-entry[1], entry[0]))[:NAMED_MOST]
        seen = reference.counts[-1].sum(axis=1) > 0
        score_bound = max(parameters.drift_score_psi, chance, level)
        drifted = score > score_bound or len(moved) > parameters.drift_feature_share * len(features)
        return {
            "rows": int(self._found[-1][seen].sum()),
            "rows_of_unseen_hours": int(self._found[-1][~seen].sum()),
            "score_psi": round(score, 4),
            "score_psi_of_chance": round(chance, 4),
            "score_psi_bound": round(score_bound, 4),
            "features": len(features),
            "features_moved": len(moved),
            "features_moved_bound": round(parameters.drift_feature_share * len(features), 1),
            "moved_most": dict(strongest),
            "drifted": bool(drifted),
        }

    def details(
        self,
        parameters: TrainingParameters,
        project_name: str,
        feature_spec_version: str,
        windows: int,
        moment: datetime,
    ) -> dict[str, Any]:
        """The drift in a run report of `windows` windows: `drift`, and as `retraining_requested` the input of the
        training state machine that requests a model as of `moment`; null if the input has not drifted.
        """
        drift = self.measure(parameters, windows)
        wanted = {
            "project_name": project_name,
            "feature_spec_version": feature_spec_version,
            "reference_ts_iso": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        }
        return {"drift": drift, "retraining_requested": wanted if drift["drifted"] else None}


def _moved(trained: Integers, found: Integers, parameters: DriftParameters) -> tuple[float, float]:
    """The PSI of the found counts against what training expects of their bands, and what chance gives."""
    rows = np.where(trained.sum(axis=1) > 0, found.sum(axis=1), 0)
    if not rows.sum():
        return 0.0, 0.0
    expected = expected_shares(trained, rows)
    bins = int(np.count_nonzero(expected))
    held = int(trained.sum(axis=1)[rows > 0].sum())
    moved = float(psi(expected, found[rows > 0].sum(axis=0), parameters))
    return moved, chance_psi(bins, int(rows.sum()), parameters) + chance_psi(bins, held, parameters)
