"""Growing an isolation forest, by scikit-learn."""

from __future__ import annotations

from sklearn.ensemble import IsolationForest

from common.arrays import Matrix
from common.detection.members.estimator import forest_of
from common.detection.members.member import ForestParameters
from common.detection.members.trees import Forest
from common.runtime.output import doing


def grow(matrix: Matrix, parameters: ForestParameters) -> Forest:
    """A forest grown on the scaled matrix; the same matrix and parameters give the same arrays."""
    doing(f"growing {parameters.n_estimators} trees")
    forest = forest_of(grow_estimator(matrix, parameters))
    doing(f"scoring with {parameters.n_estimators} trees")
    return forest


def grow_estimator(matrix: Matrix, parameters: ForestParameters) -> IsolationForest:
    """The same forest, as scikit-learn has it."""
    return IsolationForest(
        n_estimators=parameters.n_estimators,
        max_samples=min(parameters.max_samples, len(matrix)),
        random_state=parameters.random_state,
        n_jobs=parameters.n_jobs,
    ).fit(matrix)
