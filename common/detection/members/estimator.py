"""The arrays of an isolation forest that scikit-learn has grown."""

from __future__ import annotations

from typing import Any

import numpy as np

from common.detection.checked import damaged
from common.detection.members.trees import Forest, Places


def forest_of(estimator: Any) -> Forest:
    """The forest of a fitted `sklearn.ensemble.IsolationForest`, with the same scores.

    Raises:
        ModelError: a tree of it has a loop.
    """
    trees = [
        _tree(tree.tree_, np.asarray(columns))
        for tree, columns in zip(estimator.estimators_, estimator.estimators_features_, strict=True)
    ]
    nodes = np.array([len(left) for left, *_ in trees], dtype=np.int32)
    first = np.cumsum(nodes) - nodes
    left = [np.where(left < 0, -1, left + start) for (left, *_), start in zip(trees, first, strict=True)]
    _, feature, threshold, count = zip(*trees, strict=True)
    return Forest(
        int(estimator.n_features_in_),
        nodes,
        np.concatenate(left).astype(np.int32),
        np.concatenate(feature).astype(np.int32),
        np.concatenate(threshold).astype(np.float32),
        np.concatenate(count).astype(np.int32),
    )


def _tree(tree: Any, columns: Places) -> tuple[Any, Any, Any, Any]:
    """Left child, column, threshold and row count of the nodes, level by level."""
    level, levels, found = np.zeros(1, dtype=np.int64), [], 0
    while len(level):
        levels.append(level)
        found += len(level)
        if found > len(tree.children_left):
            raise damaged("a tree with a loop")
        inner = level[tree.children_left[level] >= 0]
        level = np.stack([tree.children_left[inner], tree.children_right[inner]], axis=1).ravel()
    order = np.concatenate(levels)
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    left = tree.children_left[order]
    leaf = left < 0
    return (
        np.where(leaf, -1, place[left]),
        np.where(leaf, -1, columns[np.where(leaf, 0, tree.feature[order])]),
        np.where(leaf, np.float32(0), _rounded_down(tree.threshold[order])),
        tree.n_node_samples[order],
    )


def _rounded_down(thresholds: Any) -> Any:
    """The largest float32 up to each threshold: the same float32 values are below it."""
    near = thresholds.astype(np.float32)
    return np.where(near > thresholds, np.nextafter(near, np.float32(-np.inf)), near)
