"""The detector: its members, how their scores become one, and what each feature contributed to it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from common.arrays import Floats, Matrix
from common.detection.calibration import ScoreQuantiles
from common.detection.explanation import Explanation, PieceExplanation
from common.detection.members.feature_rarity import RarityMember
from common.detection.members.forest import ForestMember, chunks
from common.detection.members.member import FitSettings, Member, Samples
from common.detection.members.pairs import PairsMember
from common.detection.members.spread import SpreadMember
from common.detection.parameters import DetectorParameters


@dataclass(frozen=True, eq=False)
class Detector:
    """The members, each scoring a host's window in its own way, and the weighted sum of their scores.

    The forest and the rarity look at features, `pairs` and `spread` at pairs; a detector trained without pairs lacks
    these two. `feature_calibration` is the training distribution of the features' scores alone, `calibration` that
    of the raw score.
    """

    parameters: DetectorParameters
    forest: ForestMember
    rarity: RarityMember
    feature_calibration: ScoreQuantiles
    calibration: ScoreQuantiles
    pairs: PairsMember | None = None
    spread: SpreadMember | None = None

    @property
    def members(self) -> dict[str, Member]:
        """The members that the detector has, by the names of their weights."""
        found: dict[str, Member | None] = {
            "forest": self.forest,
            "rarity": self.rarity,
            "pairs": self.pairs,
            "spread": self.spread,
        }
        return {name: member for name, member in found.items() if member is not None}

    @property
    def weights(self) -> dict[str, float]:
        """The weight of each member in the raw score."""
        weights = self.parameters.weights
        features = weights.features if self.pairs else 1.0
        found = {
            "forest": features * weights.forest,
            "rarity": features * weights.rarity,
            "pairs": weights.pairs,
            "spread": weights.spread,
        }
        return {name: found[name] for name in self.members}

    @classmethod
    def fit(cls, samples: Samples, settings: FitSettings) -> tuple[Detector, Floats]:
        """The detector of the samples' features, and their raw scores, shape (n_rows,)."""
        forest, by_forest = ForestMember.fit(samples, settings)
        rarity, by_rarity = RarityMember.fit(samples, settings)
        weights = settings.parameters.weights
        raw = weights.forest * by_forest + weights.rarity * by_rarity
        calibration = ScoreQuantiles.fit(raw, settings.parameters.calibration)
        return cls(settings.parameters, forest, rarity, calibration, calibration), raw

    def with_pairs(self, pairs: PairsMember, spread: SpreadMember, calibration: ScoreQuantiles) -> Detector:
        """The detector with the members pairs and spread, and the training distribution of its raw scores."""
        return replace(self, pairs=pairs, spread=spread, calibration=calibration)

    def feature_scores(self, matrix: Matrix) -> Floats:
        """The part of the raw scores that comes from features, shape (n_rows,)."""
        weights = self.parameters.weights
        parts = [
            weights.forest * self.forest.score_samples(part) + weights.rarity * self.rarity.score_samples(part)
            for part in (Samples(features=rows) for rows in chunks(matrix))
        ]
        return np.concatenate(parts)

    def score_samples(self, samples: Samples) -> Floats:
        """The raw scores, shape (n_rows,): the weighted sum of the members' scores; higher is more anomalous."""
        weights = self.weights
        raw = self.feature_scores(samples.features)
        if self.pairs and self.spread:
            of_pairs = weights["pairs"] * self.pairs.score_samples(samples)
            raw = self.parameters.weights.features * raw
            raw = raw + (of_pairs + weights["spread"] * self.spread.score_samples(samples))
        return raw

    def explain_features(self, samples: Samples) -> Explanation:
        """The features' part of the raw scores, and what each feature contributed to it, shape (n_rows, n_features)."""
        weights = self.weights
        paths, rarities = self.forest.explain(samples), self.rarity.explain(samples)
        return Explanation(
            paths.inputs,
            weights["forest"] * paths.scores + weights["rarity"] * rarities.scores,
            weights["forest"] * paths.contributions + weights["rarity"] * rarities.contributions,
        )

    def explain_pairs(self, samples: Samples) -> dict[str, PieceExplanation]:
        """The explanations of pairs and spread, by the names of their weights; empty if the detector has neither."""
        if not self.pairs or not self.spread:
            return {}
        return {"pairs": self.pairs.explain(samples), "spread": self.spread.explain(samples)}
