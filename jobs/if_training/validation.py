"""How good a model is on a block that it was not fitted on, without labels."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.stats import spearmanr  # type: ignore[import-untyped]

from common.arrays import Floats, Matrix
from common.config.training import TrainingParameters
from common.detection.checked import damaged
from common.detection.detector import Detector
from common.detection.drift.monitor import DriftMonitor
from common.detection.drift.reference import DriftReference
from common.detection.registry.formats import sha256
from common.features.spec import FeatureSpec
from jobs.if_training.synthetic_anomalies import Examination

ROWS_MIN = 200


@dataclass(frozen=True, eq=False)
class Validation:
    """The examined rows with the raw scores of the validated and of the final model, and the figures.

    `transformed_sha256` is the digest of the rows as the final model's preprocessing made them.
    """

    figures: dict[str, Any]
    examination: Examination | None = None
    validated: Floats | None = None
    final: Floats | None = None

    @classmethod
    def left_out(cls, reason: str) -> Validation:
        """No validation, and why."""
        return cls({"reason": reason})

    def to_bytes(self) -> bytes:
        """The examined rows and scores as a NumPy archive; the same ones give the same bytes."""
        buffer = io.BytesIO()
        if self.examination is not None:
            np.savez_compressed(
                buffer,
                values=self.examination.values,
                odd=self.examination.synthetic,
                validated=np.asarray(self.validated),
                final=np.asarray(self.final),
            )
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes, figures: dict[str, Any]) -> Validation:
        """What `to_bytes` wrote.

        Raises:
            ModelError: the content is something else.
        """
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                examination = Examination(archive["values"], archive["odd"])
                return cls(figures, examination, archive["validated"], archive["final"])
        except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile) as error:
            raise damaged("the examined rows") from error


def not_validated(earlier: int, block: int) -> str:
    """Why so few rows cannot be validated with, or nothing."""
    if min(earlier, block) >= ROWS_MIN:
        return ""
    return f"the validation block has {block:,} rows and {earlier:,} are before it; validation needs {ROWS_MIN} each"


def validate(
    detector: Detector, earlier: Matrix, examination: Examination, spec: FeatureSpec, parameters: TrainingParameters
) -> Validation:
    """The figures of a detector that was fitted on the earlier rows, on the examination of the block after them."""
    features, chance = detector.forest.preprocessor.features, detector.parameters.drift
    raw = detector.feature_scores(examination.values)
    ordinary = raw[~examination.synthetic]
    members = {
        "forest": detector.forest.path_scores(examination.values),
        "evidence": detector.rarity.rarity.sums(examination.values),
    }
    drift = DriftReference.fit(earlier, detector.feature_scores(earlier), features, spec, chance)
    monitor = DriftMonitor(drift, features, chance)
    monitor.add(examination.ordinary, ordinary)
    moved = monitor.measure(parameters)
    separation = examination.separation(raw)
    figures = {
        "rows": len(ordinary),
        "transplants": int(examination.synthetic.sum()),
        "average_precision": round(separation.average_precision, 6),
        "roc_auc": round(separation.roc_auc, 6),
        "members": {
            name: round(examination.separation(scores).average_precision, 6) for name, scores in members.items()
        },
        "alert_score": parameters.alert_score,
        "alert_share": float(np.mean(detector.feature_calibration.anomaly_score(ordinary) >= parameters.alert_score)),
        "score_psi": moved["score_psi"],
        "score_psi_of_chance": moved["score_psi_of_chance"],
        "features_moved": moved["features_moved"],
    }
    return Validation(figures, examination, raw)


def conclude(validation: Validation, detector: Detector) -> Validation:
    """The validation with the scores of the final model, and how much both models agree on the ordinary rows."""
    if validation.examination is None or validation.validated is None:
        return validation
    final = detector.feature_scores(validation.examination.values)
    ordinary = ~validation.examination.synthetic
    agreement = float(spearmanr(validation.validated[ordinary], final[ordinary]).statistic)
    figures = validation.figures | {
        "refit_agreement": round(agreement, 6),
        "transformed_sha256": transformed_sha256(detector, validation.examination.values),
    }
    return replace(validation, figures=figures, final=final)


def transformed_sha256(detector: Detector, values: Matrix) -> str:
    """The digest of the rows as the detector's preprocessing makes them."""
    return sha256(np.ascontiguousarray(detector.forest.preprocessor.transform(values)).tobytes())
