"""The isolation forest: training, scores, and what each feature did to a score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse  # type: ignore[import-untyped]
from sklearn.ensemble import IsolationForest
from sklearn.utils import check_array

Floats = NDArray[np.float64]
Matrix = NDArray[np.float32]
EULER_GAMMA = float(np.euler_gamma)


@dataclass(frozen=True)
class ForestParameters:
    """How the forest is grown: trees, rows drawn for each, and the seed."""

    n_estimators: int = 200
    max_samples: int = 256
    random_state: int = 20240101
    n_jobs: int = 2


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


def forest_scores(forest: IsolationForest, matrix: Matrix) -> Floats:
    """The raw scores of the rows in (0, 1): scikit-learn's `score_samples` with the sign turned, higher = odder."""
    return np.asarray(-forest.score_samples(matrix), dtype=np.float64)


def average_path_length(samples: NDArray[np.int64]) -> Floats:
    """The mean depth at which a random tree of that many samples isolates one (Liu, Ting, Zhou 2008, equation 1)."""
    count = np.asarray(samples, dtype=np.float64)
    inner = np.maximum(count - 1.0, 1.0)
    many = 2.0 * (np.log(inner) + EULER_GAMMA) - 2.0 * inner / np.maximum(count, 1.0)
    return np.asarray(np.where(count <= 1, 0.0, np.where(count == 2, 1.0, many)))


class PathAttribution:
    """What each feature did to the depth at which a forest isolates a row.

    The expected depth of a node is the mean final depth of the training rows that reached it. Where a row's path goes
    from a node to its child, the expected depth changes; the change is the split's doing and is put down to the feature
    that was split on. Over a path these changes add up to the row's depth less the expected depth of the root, so that
    for every row: mean depth over the trees = `base` - sum of its contributions. A positive contribution made the row
    easier to isolate, that is odder, by that many splits.
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
        """The contribution of each feature to each row's oddness, in splits, shape (n_rows, n_features)."""
        checked = check_array(matrix, dtype=np.float32)
        leaves = np.stack([tree.apply(checked) for tree in self._trees], axis=1) + self._offsets[:-1]
        bounds = np.arange(0, leaves.size + 1, len(self._trees))
        shape = (len(checked), int(self._offsets[-1]))
        visits = sparse.csr_matrix((np.ones(leaves.size), leaves.ravel(), bounds), shape)
        return np.asarray((visits @ self._paths).toarray(), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class _Paths:
    """One entry for each leaf and split above it: the leaf, the split's feature, the gain; and the root's depth."""

    leaves: NDArray[np.int64]
    features: NDArray[np.int64]
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
    found: list[tuple[NDArray[np.int64], NDArray[np.int64], Floats]] = []
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
