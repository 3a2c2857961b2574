"""An isolation forest as plain arrays: its scores, and what each feature contributed to them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.arrays import Flags, Floats, Integers, Matrix
from common.detection.checked import damaged

ROWS_IN_CACHE = 500
EULER_GAMMA = float(np.euler_gamma)
Places = NDArray[np.int32]
"""The numbers of nodes or columns."""


@dataclass(frozen=True, eq=False)
class Forest:
    """The nodes of all trees, tree by tree, each tree level by level from its root; two children stand side by side.

    Attributes:
        columns: number of columns of the matrix that is scored.
        nodes: number of nodes of each tree.
        left: the left child of each node, to which values up to the threshold go; -1 for a leaf.
        feature: the column that the node splits on; -1 for a leaf.
        threshold: float32 as the values that it is compared with; 0 for a leaf.
        count: how many of the rows that the tree was grown on reached the node; as many reach each root.
    """

    columns: int
    nodes: Places
    left: Places
    feature: Places
    threshold: Matrix
    count: Places

    def score_samples(self, matrix: Matrix) -> Floats:
        """The scores of the rows in (0, 1), higher = more anomalous (Liu, Ting, Zhou 2008), shape (n_rows,).

        2 ** -(mean depth / mean depth of as many rows in a random tree), as scikit-learn has it with the sign turned.
        """
        total = np.zeros(len(matrix))
        lengths = self._depth + average_path_length(self.count) - 1.0
        for start, rows in _parts(matrix):
            (leaves,) = deque(self._descend(rows), maxlen=1)
            for depths in lengths.take(leaves):  # one tree after the other, as scikit-learn adds them
                total[start : start + len(rows)] += depths
        expected = float(average_path_length(self.count[:1])[0]) * len(self.nodes)
        return np.asarray(2.0 ** -(total / expected if expected else np.ones(len(matrix))))

    def contributions(self, matrix: Matrix) -> Floats:
        """The contribution of each feature to each row's anomaly, in splits, shape (n_rows, n_columns).

        The expected depth of a node is the mean final depth of the training rows that reached it. Where a row's path
        goes from a node to its child, the expected depth changes; the change is the split's doing and is put down to
        the feature that was split on. Over a path these changes add up to the row's depth less the expected depth of
        the root, so that for every row: mean depth over the trees = `base` - sum of its contributions. A positive
        contribution made the row easier to isolate, that is more anomalous, by that many splits.
        """
        found = np.zeros((len(matrix), self.columns))
        for start, rows in _parts(matrix):
            places, gains = [], []
            row = np.arange(len(rows)) * self.columns
            for before, reached in pairwise(self._descend(rows)):
                moved = reached != before
                places.append((self._splits.take(before) + row)[moved])
                gains.append(self._gain.take(reached[moved]))
            if places:
                summed = np.bincount(np.concatenate(places), np.concatenate(gains), len(rows) * self.columns)
                found[start : start + len(rows)] = summed.reshape(len(rows), self.columns)
        return found

    @cached_property
    def base(self) -> float:
        """The mean expected depth of the roots."""
        return float(np.mean(self._expected[self._roots]))

    def _descend(self, rows: Matrix) -> Iterator[Places]:
        """The nodes that the rows reach on each level, shape (n_trees, n_rows); who is at a leaf stays there."""
        values = np.ascontiguousarray(rows.T, dtype=np.float32).ravel()
        row = np.arange(len(rows), dtype=np.int32)
        first = self._splits * np.int32(len(rows))  # of the values of the node's column
        node = np.repeat(self._roots[:, None], len(rows), axis=1)
        yield node
        for _ in self._levels[1:]:
            node = self._next.take(node) + (values.take(first.take(node) + row) > self._bound.take(node))
            yield node

    @cached_property
    def _roots(self) -> Places:
        return (np.cumsum(self.nodes) - self.nodes).astype(np.int32)

    @cached_property
    def _leaves(self) -> Flags:
        return self.left < 0

    @cached_property
    def _next(self) -> Places:
        """The left child; a leaf follows itself."""
        return np.where(self._leaves, np.arange(len(self.left), dtype=np.int32), self.left)

    @cached_property
    def _splits(self) -> Places:
        return np.maximum(self.feature, 0)

    @cached_property
    def _bound(self) -> Matrix:
        return np.where(self._leaves, np.float32(np.inf), self.threshold)

    @cached_property
    def _levels(self) -> list[Places]:
        """The nodes of each level of all trees."""
        found: list[Places] = []
        level = self._roots
        most = 1 + int(np.ceil(np.log2(max(int(self.count[0]), 2))))  # isolation trees are cut off there
        while len(level) and len(found) < most:
            found.append(level)
            left = self.left[level]
            left = left[left >= 0]
            level = np.stack([left, left + 1], axis=1).ravel()
        return found

    @cached_property
    def _depth(self) -> Integers:
        """The depth of each node, 1 for a root."""
        depth = np.zeros(len(self.left), dtype=np.int64)
        for number, level in enumerate(self._levels, 1):
            depth[level] = number
        return depth

    @cached_property
    def _expected(self) -> Floats:
        """The expected depth of each node, 0 for a root that is a leaf of one row."""
        expected = self._depth - 1 + average_path_length(self.count)
        count = self.count.astype(np.float64)
        for level in reversed(self._levels):
            inner = level[self.left[level] >= 0]
            a = self.left[inner]
            b = a + 1
            expected[inner] = (count[a] * expected[a] + count[b] * expected[b]) / (count[a] + count[b])
        return np.asarray(expected)

    @cached_property
    def _gain(self) -> Floats:
        """By how much the step to each node makes the expected depth fall, on average over all trees; 0 for a root."""
        gain = np.zeros(len(self.left))
        inner = np.flatnonzero(~self._leaves)
        for child in (self.left[inner], self.left[inner] + 1):
            gain[child] = (self._expected[inner] - self._expected[child]) / len(self.nodes)
        return gain

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays, by name."""
        return {name: getattr(self, name) for name in ARRAYS}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], columns: int) -> Forest:
        """The forest that `arrays` gave, for a matrix of that many columns.

        Raises:
            ModelError: the arrays are no forest over these columns: of another type or length, with a column or child
                that does not exist, a node that has no parent or two, a loop, or more levels than such a tree has.
        """
        for name, kind in ARRAYS.items():
            if name not in arrays or arrays[name].ndim != 1 or arrays[name].dtype != kind:
                raise damaged(f"the forest's {name}")
        values: dict[str, Any] = {name: arrays[name] for name in ARRAYS}
        found = cls(columns, **values)
        for what, holds in found._conditions():
            if not holds:
                raise damaged(f"the forest's {what}")
        return found

    def _conditions(self) -> Iterator[tuple[str, bool]]:
        """What a forest fulfils, in an order in which each condition can rely on those before."""
        total = len(self.left)
        yield "nodes", total > 0 and bool((self.nodes > 0).all()) and int(self.nodes.sum(dtype=np.int64)) == total
        yield "length", len(self.feature) == len(self.threshold) == len(self.count) == total
        inner = np.flatnonzero(self.left != -1)
        yield "thresholds", bool(np.isfinite(self.threshold).all())
        yield "features", bool(((self.feature[inner] >= 0) & (self.feature[inner] < self.columns)).all())
        left = self.left[inner].astype(np.int64)
        ends = np.repeat(np.cumsum(self.nodes, dtype=np.int64), self.nodes)
        yield "children", bool(((left > inner) & (left + 1 < ends[inner])).all())
        with_parent = np.sort(np.concatenate([self._roots.astype(np.int64), left, left + 1]))
        yield "parents", len(with_parent) == total and bool((with_parent == np.arange(total)).all())
        count = self.count.astype(np.int64)
        yield "counts", bool((count > 0).all() and (count[inner] == count[left] + count[left + 1]).all())
        yield "sizes", bool((self.count[self._roots] == self.count[0]).all())
        yield "depth", sum(map(len, self._levels)) == total


ARRAYS = {"nodes": np.int32, "left": np.int32, "feature": np.int32, "threshold": np.float32, "count": np.int32}


def average_path_length(samples: NDArray[np.integer]) -> Floats:
    """The mean depth at which a random tree of that many samples isolates one (Liu, Ting, Zhou 2008, equation 1)."""
    count = np.asarray(samples, dtype=np.float64)
    inner = np.maximum(count - 1.0, 1.0)
    many = 2.0 * (np.log(inner) + EULER_GAMMA) - 2.0 * inner / np.maximum(count, 1.0)
    return np.asarray(np.where(count <= 1, 0.0, np.where(count == 2, 1.0, many)))


def _parts(matrix: Matrix) -> Iterator[tuple[int, Matrix]]:
    """The rows, few at a time, so that what a level reads stays in the processor's cache; and where they begin."""
    for start in range(0, len(matrix), ROWS_IN_CACHE):
        yield start, matrix[start : start + ROWS_IN_CACHE]
