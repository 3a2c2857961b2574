"""The isolation forest: its scores ranked among those of training, and the contribution of each feature."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from common.arrays import Floats, Matrix
from common.detection.calibration import ScoreQuantiles
from common.detection.explanation import Explanation
from common.detection.inputs import model_features
from common.detection.members.member import FitSettings, Samples, shares
from common.detection.members.trees import Forest
from common.detection.preprocessing import Preprocessor

ROWS_AT_ONCE = 1_000


@dataclass(frozen=True, eq=False)
class ForestMember:
    """The isolation forest on the scaled features, whose scores are ranked among those of training."""

    preprocessor: Preprocessor
    forest: Forest
    calibration: ScoreQuantiles

    @classmethod
    def fit(cls, samples: Samples, settings: FitSettings) -> tuple[ForestMember, Floats]:
        """The member, and the scores of its samples; the trees draw from at most `growing_rows` of them."""
        matrix, parameters = samples.features, settings.parameters
        names = model_features(settings.spec).names
        preprocessor = Preprocessor.fit(matrix, names, parameters.preprocessing, settings.left_out)
        growing, most = matrix, parameters.forest.growing_rows
        if len(matrix) > most:  # far more rows than the trees draw
            drawn = np.random.default_rng(settings.forest.random_state).choice(len(matrix), most, replace=False)
            growing = matrix[np.sort(drawn)]
        forest = settings.grow(preprocessor.transform(growing), settings.forest)
        found = np.concatenate([forest.score_samples(preprocessor.transform(part)) for part in chunks(matrix)])
        member = cls(preprocessor, forest, ScoreQuantiles.fit(found, parameters.calibration))
        return member, member.calibration.neg_log10_p(found)

    def path_scores(self, matrix: Matrix) -> Floats:
        """The forest's own scores of the rows in (0, 1), not yet ranked."""
        return self.forest.score_samples(self.preprocessor.transform(matrix))

    def score_samples(self, samples: Samples) -> Floats:
        """-log10 of the share of training rows whose path scores are at least as high."""
        return self.calibration.neg_log10_p(self.path_scores(samples.features))

    def explain(self, samples: Samples) -> Explanation:
        """The scores, shared out among the features that made a row easier to isolate."""
        scaled = self.preprocessor.transform(samples.features)
        scores = self.calibration.neg_log10_p(self.forest.score_samples(scaled))
        paths = np.zeros((len(scaled), len(self.preprocessor.features)))
        paths[:, self.preprocessor.columns] = self.forest.contributions(scaled)
        return Explanation(self.preprocessor.features, scores, shares(paths) * scores[:, None])


def chunks(matrix: Matrix) -> Iterator[Matrix]:
    """The rows in chunks that bound the memory of scoring."""
    for start in range(0, len(matrix), ROWS_AT_ONCE):
        yield matrix[start : start + ROWS_AT_ONCE]
