"""From hosts' windows to rows of `predictions`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Floats
from common.contracts.types import Table
from common.detection.explanation import merged, top_features
from common.detection.members.forest import ROWS_AT_ONCE
from common.detection.members.member import Samples
from common.detection.registry.artifacts import LoadedModel
from common.errors import ModelError


def predict(model: LoadedModel, samples: Samples, table: Table, count: int, incomplete: Mapping[str, str]) -> pa.Table:
    """One prediction for each host and window, with its `count` strongest reasons.

    `incomplete` says by window key what is missing of the window's logs.

    Raises:
        ModelError: the model gives scores that are not finite.
    """
    detector = model.detector
    about_pairs = detector.explain_pairs(samples)
    weights = detector.weights
    raw = sum((weights[name] * found.scores for name, found in about_pairs.items()), np.zeros(len(samples.keys)))
    _check(raw, model)
    of_pairs = [found.reasons(weights[name]) for name, found in about_pairs.items()]
    medians = detector.forest.preprocessor.median_by_name
    reasons: list[str] = []
    for start in range(0, len(samples.keys), ROWS_AT_ONCE):
        part = samples.part(start, ROWS_AT_ONCE)
        features = detector.explain_features(part)
        _check(features.scores, model)
        end = start + len(part.keys)
        raw[start:end] += features.scores
        texts = top_features(features.inputs, part.features, medians, features.contributions, count)
        for more in of_pairs:
            texts = merged(texts, more[start:end], count)
        reasons += texts
    starts = samples.keys["window_start_ts"]
    windows = pc.strftime(starts, format="%Y%m%dT%H%MZ")
    columns = {
        **{name: samples.keys[name] for name in samples.keys.column_names},
        "anomaly_score": detector.calibration.anomaly_score(raw),
        "raw_score": raw,
        "model_id": pa.repeat(model.run_id, len(raw)),
        "model_sha256": pa.repeat(model.model_sha256, len(raw)),
        "top_features": reasons,
        "pair_evidence": about_pairs["pairs"].strongest_pairs if about_pairs else pa.repeat("[]", len(raw)),
        "date": pc.strftime(starts, format="%Y-%m-%d"),
        "window": windows,
        "incomplete_reason": pa.array([incomplete.get(key) for key in windows.to_pylist()], pa.string()),
    }
    return pa.table({column.name: columns[column.name] for column in table.columns}).cast(table.arrow)


def _check(scores: Floats, model: LoadedModel) -> None:
    """Refuses scores that no model of training gives."""
    if not np.isfinite(scores).all():
        raise ModelError(f"model {model.run_id} gives a score that is not a number", "Train the model again")
