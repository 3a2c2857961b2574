"""The isolation forest: training, scores, and the contribution of each feature to a score."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse  # type: ignore[import-untyped]
from sklearn.ensemble import IsolationForest
from sklearn.utils import check_array

from common.arrays import Floats, Integers, Matrix
from common.detection.calibration import ScoreQuantiles
from common.detection.explanation import Explanation
from common.detection.inputs import model_features
from common.detection.members.member import FitSettings, ForestParameters, Samples, shares
from common.detection.preprocessing import Preprocessor

ROWS_AT_ONCE = 5_000
EULER_GAMMA = float(np.euler_gamma)


@dataclass(frozen=True, eq=False)
class ForestMember:
    """The isolation forest on the scaled features, whose scores are ranked among those of training."""

    preprocessor: Preprocessor
    forest: IsolationForest
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
        forest = train_forest(preprocessor.transform(growing), settings.forest)
        found = np.concatenate([forest_scores(forest, preprocessor.transform(part)) for part in chunks(matrix)])
        member = cls(preprocessor, forest, ScoreQuantiles.fit(found, parameters.calibration))
        return member, member.calibration.neg_log10_p(found)

    def path_scores(self, matrix: Matrix) -> Floats:
        """The forest's own scores of the rows in (0, 1), not yet ranked."""
        return forest_scores(self.forest, self.preprocessor.transform(matrix))

    def score_samples(self, samples: Samples) -> Floats:
        """-log10 of the share of training rows whose path scores are at least as high."""
        return self.calibration.neg_log10_p(self.path_scores(samples.features))

    def explain(self, samples: Samples) -> Explanation:
        """The scores, shared out among the features that made a row easier to isolate."""
        scaled = self.preprocessor.transform(samples.features)
        scores = self.calibration.neg_log10_p(forest_scores(self.forest, scaled))
        paths = np.zeros((len(scaled), len(self.preprocessor.features)))
        paths[:, self.preprocessor.columns] = self.attribution.contributions(scaled)
        return Explanation(self.preprocessor.features, scores, shares(paths) * scores[:, None])

    @cached_property
    def attribution(self) -> PathAttribution:
        """The effect of each split of the forest on a row's depth."""
        return PathAttribution(self.forest)


def train_forest(matrix: Matrix, parameters: ForestParameters) -> IsolationForest:
    """A forest grown on the scaled matrix; the same matrix and parameters give the same bytes when saved."""
    forest = IsolationForest(
        n_estimators=parameters.n_estimators,
        max_samples=min(parameters.max_samples, len(matrix)),
        random_state=parameters.random_state,
        n_jobs=parameters.n_jobs,
    ).fit(matrix)
    for tree in forest.estimators_:
        _clear_padding(tree.tree_)
    return forest


def chunks(matrix: Matrix) -> Iterator[Matrix]:
    """The rows in chunks that bound the memory of scoring."""
    for start in range(0, len(matrix), ROWS_AT_ONCE):
        yield matrix[start : start + ROWS_AT_ONCE]


def forest_scores(forest: IsolationForest, matrix: Matrix) -> Floats:
    """The forest's scores of the rows in (0, 1), higher = more anomalous: scikit-learn's `score_samples`, negated."""
    return np.asarray(-forest.score_samples(matrix), dtype=np.float64)


def average_path_length(samples: Integers) -> Floats:
    """The mean depth at which a random tree of that many samples isolates one (Liu, Ting, Zhou 2008, equation 1)."""
    count = np.asarray(samples, dtype=np.float64)
    inner = np.maximum(count - 1.0, 1.0)
    many = 2.0 * (np.log(inner) + EULER_GAMMA) - 2.0 * inner / np.maximum(count, 1.0)
    return np.asarray(np.where(count <= 1, 0.0, np.where(count == 2, 1.0, many)))


class PathAttribution:
    """The effect of each feature on the depth at which the forest isolates a row.

    The expected depth of a node is the mean final depth of the training rows that reached it. Where a row's path goes
    from a node to its child, the expected depth changes; the change is the split's doing and is put down to the feature
    that was split on. Over a path these changes add up to the row's depth less the expected depth of the root, so that
    for every row: mean depth over the trees = `base` - sum of its contributions. A positive contribution made the row
    easier to isolate, that is more anomalous, by that many splits.
    """

    def __init__(self, forest: IsolationForest) -> None:
        self._trees = [tree.tree_ for tree in forest.estimators_]
        self._columns = forest.n_features_in_
        nodes = np.array([tree.node_count for tree in self._trees])
        self._offsets = np.concatenate([[0], np.cumsum(nodes)])
        paths = [_paths(tree) for tree in self._trees]
        rows = np.concatenate([part.leaves + offset for part, offset in zip(paths, self._offsets, strict=False)])
        shape = (int(self._offsets[-1]), self._columns)
        values = np.concatenate([part.gains for part in paths]) / len(self._trees)
        self._paths = sparse.csr_matrix((values, (rows, np.concatenate([part.features for part in paths]))), shape)
        self.base = float(np.mean([part.root for part in paths]))

    def contributions(self, matrix: Matrix) -> Floats:
        """The contribution of each feature to each row's anomaly, in splits, shape (n_rows, n_features)."""
        checked = check_array(matrix, dtype=np.float32)
        leaves = np.stack([tree.apply(checked) for tree in self._trees], axis=1) + self._offsets[:-1]
        bounds = np.arange(0, leaves.size + 1, len(self._trees))
        shape = (len(checked), int(self._offsets[-1]))
        visits = sparse.csr_matrix((np.ones(leaves.size), leaves.ravel(), bounds), shape)
        return np.asarray((visits @ self._paths).toarray(), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class _Paths:
    """One entry for each leaf and split above it: the leaf, the split's feature, the gain; and the root's depth."""

    leaves: Integers
    features: Integers
    gains: Floats
    root: float


def _paths(tree: Any) -> _Paths:
    left, right, feature = tree.children_left, tree.children_right, tree.feature
    count = tree.n_node_samples.astype(np.float64)
    inner = np.flatnonzero(left >= 0)
    parent = np.full(tree.node_count, -1)
    parent[left[inner]] = parent[right[inner]] = inner
    depth = np.zeros(tree.node_count)
    for node in inner:  # a parent's number is lower than its children's
        depth[left[node]] = depth[right[node]] = depth[node] + 1
    expected = depth + average_path_length(tree.n_node_samples)
    for node in inner[::-1]:
        a, b = left[node], right[node]
        expected[node] = (count[a] * expected[a] + count[b] * expected[b]) / (count[a] + count[b])
    leaves = np.flatnonzero(left < 0)
    found: list[tuple[Integers, Integers, Floats]] = []
    leaf, reached = leaves, leaves
    while True:
        above = parent[reached]
        leaf, reached, above = leaf[above >= 0], reached[above >= 0], above[above >= 0]
        if not len(reached):
            break
        found.append((leaf, feature[above].astype(np.int64), expected[above] - expected[reached]))
        reached = above
    if not found:
        empty = np.zeros(0, dtype=np.int64)
        return _Paths(empty, empty, np.zeros(0), float(expected[0]))
    ends, features, gains = (np.concatenate(part) for part in zip(*found, strict=True))
    return _Paths(ends, features, gains, float(expected[0]))


def _clear_padding(tree: Any) -> None:
    """Zeroes the bytes between a tree's fields, which hold whatever the memory held and would be saved with it."""
    state = tree.__getstate__()
    nodes = state["nodes"]
    clean = np.zeros(nodes.shape, dtype=nodes.dtype)
    for name in nodes.dtype.names:
        clean[name] = nodes[name]
    state["nodes"] = clean
    tree.__setstate__(state)
