"""The forest of plain arrays gives scikit-learn's scores, and its contributions add up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest

from common.arrays import Floats, Matrix
from common.detection.members import trees
from common.detection.members.estimator import forest_of
from common.detection.members.member import ForestParameters
from common.detection.members.trees import Forest, average_path_length
from common.errors import ModelError
from jobs.if_training.growing import grow, grow_estimator

PARAMETERS = ForestParameters(n_estimators=25, max_samples=64, random_state=20240101, n_jobs=1)


def matrix(rows: int = 64, columns: int = 6, seed: int = 0) -> Matrix:
    """Random rows, the first of which is far off in column 5."""
    values = np.random.default_rng(seed).normal(size=(rows, columns)).astype(np.float32)
    values[0, 5] = 40
    return values


def depths(forest: Forest, values: Matrix) -> Floats:
    """The mean depth of each row over the trees, from the scores: score = 2 ** (-depth / c(rows of a tree))."""
    depths: Floats = -np.log2(forest.score_samples(values))
    return depths * float(average_path_length(forest.count[:1])[0])


def test_average_path_length_of_small_trees() -> None:
    # c(n) = 2 H(n - 1) - 2 (n - 1) / n, H(i) = ln(i) + 0.5772156649; c(1) = 0, c(2) = 1
    expected = [0, 0, 1, 2 * (np.log(2) + 0.5772156649) - 4 / 3]
    assert average_path_length(np.array([0, 1, 2, 3])).tolist() == pytest.approx(expected, abs=1e-9)


def test_scores_rise_with_anomaly_between_zero_and_one() -> None:
    values = matrix()
    scores = grow(values, PARAMETERS).score_samples(values)
    assert scores.argmax() == 0
    assert scores.min() > 0 and scores.max() < 1


@pytest.mark.parametrize(
    ("rows", "columns", "trees", "samples"),
    [(64, 6, 25, 64), (2000, 40, 60, 1024), (300, 3, 1, 256), (50, 2, 10, 1), (50, 2, 10, 2), (40, 5, 7, 3)],
)
def test_scores_are_those_of_scikit_learn_bit_by_bit(rows: int, columns: int, trees: int, samples: int) -> None:
    grown = np.round(matrix(rows, columns, 1) if columns == 6 else matrix(rows, max(columns, 6), 1)[:, :columns], 1)
    estimator = grow_estimator(grown, ForestParameters(trees, samples, random_state=3, n_jobs=1))
    scored = np.concatenate([grown, matrix(1500, max(columns, 6), 2)[:, :columns] * 3, thresholds(estimator, columns)])
    np.testing.assert_array_equal(forest_of(estimator).score_samples(scored), -estimator.score_samples(scored))


def thresholds(estimator: IsolationForest, columns: int) -> Matrix:
    """Rows of values at the thresholds themselves, and next to them."""
    found = np.concatenate([tree.tree_.threshold for tree in estimator.estimators_]).astype(np.float32)
    near = np.concatenate([found, np.nextafter(found, np.float32(9)), np.nextafter(found, np.float32(-9))])
    return np.repeat(near[:, None], columns, axis=1)


def test_trees_on_parts_of_the_features_are_those_of_scikit_learn() -> None:
    values = matrix(300)
    estimator = IsolationForest(n_estimators=20, max_features=3, random_state=0).fit(values)
    np.testing.assert_array_equal(forest_of(estimator).score_samples(values), -estimator.score_samples(values))


def test_scores_and_contributions_do_not_depend_on_how_the_rows_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    values = matrix(100)
    forest = grow(values, PARAMETERS)
    whole = forest.score_samples(values), forest.contributions(values)
    monkeypatch.setattr(trees, "ROWS_IN_CACHE", 7)
    np.testing.assert_array_equal(forest.score_samples(values), whole[0])
    np.testing.assert_allclose(forest.contributions(values), whole[1], atol=1e-14)


def test_no_rows_have_no_scores() -> None:
    forest = grow(matrix(), PARAMETERS)
    assert forest.score_samples(matrix()[:0]).shape == (0,)
    assert forest.contributions(matrix()[:0]).shape == (0, 6)


def test_contributions_add_up_to_the_depth() -> None:
    values = matrix()
    forest = grow(values, PARAMETERS)
    contributions = forest.contributions(values)
    assert contributions.shape == values.shape
    np.testing.assert_allclose(forest.base - contributions.sum(axis=1), depths(forest, values), atol=1e-9)


def test_contributions_of_one_split_by_hand() -> None:
    # One tree on three rows, one feature that isolates the last row at once: leaves of 2 and of 1 rows.
    values = np.array([[0], [0], [9]], dtype=np.float32)
    forest = forest_of(IsolationForest(n_estimators=1, max_samples=3, random_state=0).fit(values))
    # depths: the pair 1 + c(2) = 2, the single 1 + c(1) = 1; expected at the root (2 * 2 + 1 * 1) / 3 = 5/3
    assert forest.base == pytest.approx(5 / 3)
    assert forest.contributions(values).ravel().tolist() == pytest.approx([-1 / 3, -1 / 3, 2 / 3])


def test_the_anomalous_feature_contributes_most() -> None:
    values = matrix()
    assert grow(values, PARAMETERS).contributions(values[:1])[0].argmax() == 5


def test_forest_that_never_splits_contributes_nothing() -> None:
    values = np.ones((10, 3), dtype=np.float32)
    assert not grow(values, PARAMETERS).contributions(values).any()


def test_same_rows_give_the_same_arrays() -> None:
    one, other = (grow(matrix(), PARAMETERS).arrays() for _ in range(2))
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name])


def test_saved_forest_scores_the_same() -> None:
    forest, values = grow(matrix(), PARAMETERS), matrix(200, seed=4)
    again = Forest.from_arrays(forest.arrays(), 6)
    np.testing.assert_array_equal(again.score_samples(values), forest.score_samples(values))


def set_to(name: str, place: int, value: Any) -> Any:
    """A change of one number of an array."""

    def change(arrays: dict[str, NDArray[Any]]) -> None:
        arrays[name] = arrays[name].copy()
        arrays[name][place] = value

    return change


def endless(arrays: dict[str, NDArray[Any]]) -> None:
    """One tree of two million nodes, each the child of the one before it."""
    nodes = 2_000_001
    left = np.full(nodes, -1, dtype=np.int32)
    left[0 : nodes - 2 : 2] = np.arange(1, nodes - 1, 2)
    left[2 : nodes - 2 : 2] = np.arange(3, nodes - 1, 2)
    inner = left >= 0
    count = np.ones(nodes, dtype=np.int32)
    count[inner] = np.arange(inner.sum(), 0, -1) + 1
    arrays |= {
        "nodes": np.array([nodes], dtype=np.int32), "left": left, "count": count,
        "feature": np.where(inner, 0, -1).astype(np.int32), "threshold": np.zeros(nodes, dtype=np.float32),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda arrays: arrays.pop("left"), "left"),
        (lambda arrays: arrays.update(left=arrays["left"].astype(np.int64)), "left"),
        (lambda arrays: arrays.update(left=arrays["left"][None]), "left"),
        (lambda arrays: arrays.update({name: array[:0] for name, array in arrays.items()}), "nodes"),
        (set_to("nodes", 0, 0), "nodes"),
        (set_to("nodes", 0, -5), "nodes"),
        (set_to("nodes", 0, 2**31 - 1), "nodes"),
        (lambda arrays: arrays.update(count=arrays["count"][:-1]), "length"),
        (set_to("threshold", 0, np.nan), "thresholds"),
        (set_to("threshold", 1, np.inf), "thresholds"),
        (set_to("feature", 0, -1), "features"),
        (set_to("feature", 0, 6), "features"),
        (set_to("left", 0, 0), "children"),
        (set_to("left", 0, -2), "children"),
        (set_to("left", 0, 2**31 - 1), "children"),
        (set_to("left", 0, 3), "parents"),
        (set_to("left", 0, -1), "parents"),
        (set_to("count", 0, 0), "counts"),
        (set_to("count", 1, 2**31 - 1), "counts"),
        (endless, "depth"),
    ],
)
def test_arrays_that_are_no_forest_are_refused(change: Any, what: str) -> None:
    arrays = grow(matrix(), PARAMETERS).arrays()
    change(arrays)
    with pytest.raises(ModelError, match=f"the forest's {what} cannot be what training wrote"):
        Forest.from_arrays(arrays, 6)


def test_trees_of_different_sizes_are_refused() -> None:
    one, other = (grow(matrix(), replace(PARAMETERS, max_samples=samples)).arrays() for samples in (32, 64))
    shifted = np.where(other["left"] >= 0, other["left"] + len(one["left"]), -1).astype(np.int32)
    joined = {name: np.concatenate([one[name], other[name]]) for name in one}
    joined["left"] = np.concatenate([one["left"], shifted])
    with pytest.raises(ModelError, match="the forest's sizes"):
        Forest.from_arrays(joined, 6)
