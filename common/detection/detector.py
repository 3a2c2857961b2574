"""The detector: its members, how their scores become one, and what each feature added to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest

from common.detection.calibration.global_quantiles import ScoreQuantiles
from common.detection.calibration.per_host import PRIOR_ROWS
from common.detection.inputs import evidence_groups, model_features
from common.detection.members.feature_rarity import DECADES_MAX, STRONGEST, EvidenceMember
from common.detection.members.forest import ForestParameters, PathAttribution, forest_scores, train_forest
from common.detection.pairs.model import SPREAD_WEIGHT
from common.detection.preprocessing import CLIP, Preprocessor
from common.features.spec import FeatureSpec

ROWS_AT_ONCE = 5_000
GROWING_ROWS_MAX = 100_000
MEMBERS = ("forest", "evidence")
# the forest sees all look-backs, so that what happened hours ago still weighs in its score
FOREST_WEIGHT = 0.25
# features of a host say little where pairs say much
MATRIX_WEIGHT = 0.25
Floats = NDArray[np.float64]
Matrix = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Detector:
    """An isolation forest and the evidence of single features, joined into one score.

    Each member's score is turned into its surprise, -log10 of its survival among the training scores; the raw score is
    their sum, the forest's times `FOREST_WEIGHT`. `calibrations` holds the training distribution of each member's score
    and, as `ensemble`, of the raw score.
    """

    preprocessor: Preprocessor
    forest: IsolationForest
    evidence: EvidenceMember
    calibrations: dict[str, ScoreQuantiles]

    @classmethod
    def fit(
        cls,
        matrix: Matrix,
        spec: FeatureSpec,
        parameters: ForestParameters,
        left_out: Mapping[str, str] | None = None,
    ) -> Detector:
        """The detector of the rows, shape (n_rows, n_features), columns as `model_features`, null as NaN.

        The forest does without the features of `left_out`, which maps them to the reason.
        """
        return cls.fit_scored(matrix, spec, parameters, left_out)[0]

    @classmethod
    def fit_scored(
        cls,
        matrix: Matrix,
        spec: FeatureSpec,
        parameters: ForestParameters,
        left_out: Mapping[str, str] | None = None,
    ) -> tuple[Detector, Floats]:
        """The detector as `fit` makes it, and the raw scores of its rows, shape (n_rows,)."""
        names = model_features(spec).names
        preprocessor = Preprocessor.fit(matrix, names, left_out)
        evidence = EvidenceMember.fit(matrix, names, evidence_groups(spec))
        growing = matrix
        if len(matrix) > GROWING_ROWS_MAX:  # far more rows than the trees draw
            drawn = np.random.default_rng(parameters.random_state).choice(len(matrix), GROWING_ROWS_MAX, replace=False)
            growing = matrix[np.sort(drawn)]
        forest = train_forest(preprocessor.transform(growing), parameters)
        detector = cls(preprocessor, forest, evidence, {})
        scores = [detector.member_scores(part) for part in chunks(matrix)]
        for number, member in enumerate(MEMBERS):
            detector.calibrations[member] = ScoreQuantiles.fit(np.concatenate([part[number] for part in scores]))
        raw = np.concatenate([sum(detector.surprises(*part), np.zeros(len(part[0]))) for part in scores])
        detector.calibrations["ensemble"] = ScoreQuantiles.fit(raw)
        return detector, raw

    def member_scores(self, matrix: Matrix) -> tuple[Floats, Floats]:
        """The scores of the forest and of the evidence, each of shape (n_rows,)."""
        forest = forest_scores(self.forest, self.preprocessor.transform(matrix))
        return forest, self.evidence.scores(matrix, self.preprocessor.features)

    def surprises(self, forest: Floats, evidence: Floats) -> tuple[Floats, Floats]:
        """The members' scores in decades of rarity, weighted: the summands of the raw score."""
        weighted = FOREST_WEIGHT * self.calibrations["forest"].surprise(forest)
        return weighted, self.calibrations["evidence"].surprise(evidence)

    @property
    def matrix_weight(self) -> float:
        """The weight of the features' raw score in the whole one, beside what pairs add."""
        return MATRIX_WEIGHT if self.evidence.pairs else 1.0

    @property
    def calibration(self) -> ScoreQuantiles:
        """The training distribution of the whole raw score, pairs included where they were learnt."""
        pairs = self.evidence.pairs
        return pairs.calibration if pairs and pairs.calibration else self.calibrations["ensemble"]

    def raw_scores(self, matrix: Matrix) -> Floats:
        """The raw scores of the rows, shape (n_rows,), without their reasons."""
        parts = [self.surprises(*self.member_scores(part)) for part in chunks(matrix)]
        return np.concatenate([sum(part, np.zeros(len(part[0]))) for part in parts])

    def explain(self, matrix: Matrix, attribution: PathAttribution) -> tuple[Floats, Floats]:
        """The raw scores, shape (n_rows,), and what each input feature added to them, shape (n_rows, n_features).

        A member's surprise is shared out among the features that made the row odder in it, in proportion to their
        contributions there; features that made it more ordinary get 0. So a row adds up to its raw score.
        """
        scaled = self.preprocessor.transform(matrix)
        names = self.preprocessor.features
        surprises = self.surprises(forest_scores(self.forest, scaled), self.evidence.scores(matrix, names))
        evidence = self.evidence.contributions(matrix, names)
        paths = np.zeros_like(evidence)
        paths[:, self.preprocessor.columns] = attribution.contributions(scaled)
        shared = _shares(paths) * surprises[0][:, None] + _shares(evidence) * surprises[1][:, None]
        return surprises[0] + surprises[1], shared


def settings() -> dict[str, float]:
    """The constants of the members: a model that was trained with others scores differently."""
    return {
        "clip": CLIP,
        "forest_weight": FOREST_WEIGHT,
        "matrix_weight": MATRIX_WEIGHT,
        "spread_weight": SPREAD_WEIGHT,
        "pair_prior_rows": PRIOR_ROWS,
        "evidence_strongest": STRONGEST,
        "evidence_decades_max": DECADES_MAX,
    }


def chunks(matrix: Matrix) -> Iterator[Matrix]:
    """The rows in runs that bound the memory of scoring."""
    for start in range(0, len(matrix), ROWS_AT_ONCE):
        yield matrix[start : start + ROWS_AT_ONCE]


def _shares(contributions: Floats) -> Floats:
    """The positive parts, each row divided by its sum; rows without any stay 0."""
    positive = np.maximum(contributions, 0.0)
    total = positive.sum(axis=1, keepdims=True)
    return np.asarray(positive / np.where(total > 0, total, 1.0))
