"""What a model says of hosts' windows: scores, and the reasons of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from common.arrays import Floats
from common.detection.explanation import feature_reasons, top_features
from common.detection.members.forest import ROWS_AT_ONCE
from common.detection.members.member import Samples
from common.detection.registry.artifacts import LoadedModel
from common.errors import ModelError


@dataclass(frozen=True, eq=False)
class Scored:
    """The scores of samples, shape (n_rows,), and of each the reasons and the strongest pairs as JSON lists.

    `lowered_by` is what the raw scores lack because the whole network is unusual in the window.
    """

    raw_score: Floats
    anomaly_score: Floats
    lowered_by: Floats
    top_features: list[str]
    pair_evidence: list[str]


def score(model: LoadedModel, samples: Samples, count: int) -> Scored:
    """The scores of the samples, each with its `count` strongest reasons; without activity, those of features alone.

    Raises:
        ModelError: the model gives scores that are not finite.
    """
    detector = model.detector
    about_pairs = detector.explain_pairs(samples)
    weights = detector.weights
    raw, lowered_by = np.zeros(len(samples.keys)), np.zeros(len(samples.keys))
    for name, about in about_pairs.items():
        raw += weights[name] * about.scores
        lowered_by += weights[name] * about.lowered_by
    _check(raw, model)
    of_pairs = [about.reasons(weights[name]) for name, about in about_pairs.items()]
    medians = detector.forest.preprocessor.median_by_name
    reasons: list[str] = []
    for start in range(0, len(samples.keys), ROWS_AT_ONCE):
        part = samples.part(start, ROWS_AT_ONCE)
        features = detector.explain_features(part)
        _check(features.scores, model)
        end = start + len(part.keys)
        raw[start:end] += features.scores
        found = feature_reasons(features.inputs, part.features, medians, features.contributions, count)
        every = zip(found, *(more[start:end] for more in of_pairs), strict=True)
        reasons += [top_features(row, count) for row in every]
    pairs = about_pairs["pairs"].strongest_pairs if about_pairs else ["[]"] * len(raw)
    return Scored(raw, detector.calibration.anomaly_score(raw), lowered_by, reasons, pairs)


def _check(scores: Floats, model: LoadedModel) -> None:
    """Refuses scores that no model of training gives."""
    if not np.isfinite(scores).all():
        raise ModelError(f"model {model.run_id} gives a score that is not a number", "Train the model again")
