"""What a forest loses when a feature is shuffled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata  # type: ignore[import-untyped]
from sklearn.ensemble import IsolationForest

from common.detection.members.forest import average_path_length

Matrix = NDArray[np.float32]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def permutation_gains(forest: IsolationForest, rows: Matrix, odd: Flags, repeats: int, seed: int) -> Floats:
    """By how much the ROC-AUC of finding the odd rows falls with each column shuffled, shape (repeats, n_columns).

    Only the trees that split on a column are asked again. A column that no tree splits on has 0.
    """
    trees = [_Tree(entry.tree_) for entry in forest.estimators_]
    splitting: dict[int, list[int]] = {}
    for number, tree in enumerate(trees):
        for column in tree.columns:
            splitting.setdefault(int(column), []).append(number)
    rows = np.ascontiguousarray(rows)
    depths = np.stack([tree.depths(rows) for tree in trees])
    total = depths.sum(axis=0)
    whole = _auc(-total, odd)
    gains = np.zeros((repeats, rows.shape[1]))
    for repeat in range(repeats):
        order = np.random.default_rng([seed, repeat]).permutation(len(rows))
        for column, numbers in sorted(splitting.items()):
            kept = rows[:, column].copy()
            rows[:, column] = kept[order]
            changed = sum(trees[number].depths(rows) - depths[number] for number in numbers)
            rows[:, column] = kept
            gains[repeat, column] = whole - _auc(-(total + changed), odd)
    return gains


class _Tree:
    """A tree whose leaves know their depth."""

    def __init__(self, tree: object) -> None:
        self._tree = tree
        left, right = tree.children_left, tree.children_right  # type: ignore[attr-defined]  # compiled class
        depth = np.zeros(len(left))
        for node in np.flatnonzero(left >= 0):  # a parent's number is lower than its children's
            depth[left[node]] = depth[right[node]] = depth[node] + 1
        self._depths = depth + average_path_length(tree.n_node_samples)  # type: ignore[attr-defined]
        self.columns = np.unique(tree.feature[left >= 0])  # type: ignore[attr-defined]

    def depths(self, rows: Matrix) -> Floats:
        """The depth at which the tree isolates each row."""
        return np.asarray(self._depths[self._tree.apply(rows)])  # type: ignore[attr-defined]


def _auc(scores: Floats, odd: Flags) -> float:
    """The ROC-AUC: the share of pairs of an odd and an ordinary row in which the odd one scores higher."""
    count = int(odd.sum())
    return float((rankdata(scores)[odd].sum() - count * (count + 1) / 2) / (count * (len(odd) - count)))
