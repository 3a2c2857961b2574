import io
from collections.abc import Sequence

import joblib
import numpy as np
import pytest
from sklearn.ensemble import IsolationForest

from common.arrays import Floats, Matrix
from common.detection.members.forest import (
    PathAttribution,
    average_path_length,
    forest_scores,
    train_forest,
)
from common.detection.members.member import ForestParameters

PARAMETERS = ForestParameters(n_estimators=25, max_samples=64, random_state=20240101, n_jobs=1)


def matrix(rows: int = 64, columns: int = 6, seed: int = 0) -> Matrix:
    """Random rows, the first of which is far off in column 5."""
    values = np.random.default_rng(seed).normal(size=(rows, columns)).astype(np.float32)
    values[0, 5] = 40
    return values


def depths(forest: IsolationForest, values: Matrix) -> Floats:
    """The mean depth of each row over the trees, from the scores: score = 2 ** (-depth / c(max_samples))."""
    depths: Floats = -np.log2(-forest.score_samples(values))
    return depths * float(average_path_length(np.array([forest.max_samples_]))[0])


def test_average_path_length_of_small_trees() -> None:
    # c(n) = 2 H(n - 1) - 2 (n - 1) / n, H(i) = ln(i) + 0.5772156649; c(1) = 0, c(2) = 1
    expected = [0, 0, 1, 2 * (np.log(2) + 0.5772156649) - 4 / 3]
    assert average_path_length(np.array([0, 1, 2, 3])).tolist() == pytest.approx(expected, abs=1e-9)


def test_scores_rise_with_anomaly_between_zero_and_one() -> None:
    values = matrix()
    scores = forest_scores(train_forest(values, PARAMETERS), values)
    assert scores.argmax() == 0
    assert scores.min() > 0 and scores.max() < 1


def test_scores_are_score_samples_with_the_sign_turned() -> None:
    values = matrix()
    forest = IsolationForest(n_estimators=25, max_samples=64, random_state=PARAMETERS.random_state).fit(values)
    np.testing.assert_array_equal(
        forest_scores(train_forest(values, PARAMETERS), values), -forest.score_samples(values)
    )


def test_contributions_add_up_to_the_depth() -> None:
    values = matrix()
    forest = train_forest(values, PARAMETERS)
    attribution = PathAttribution(forest)
    contributions = attribution.contributions(values)
    assert contributions.shape == values.shape
    np.testing.assert_allclose(attribution.base - contributions.sum(axis=1), depths(forest, values), atol=1e-9)


def test_contributions_of_one_split_by_hand() -> None:
    # One tree on three rows, one feature that isolates the last row at once: leaves of 2 and of 1 rows.
    values = np.array([[0], [0], [9]], dtype=np.float32)
    forest = IsolationForest(n_estimators=1, max_samples=3, random_state=0).fit(values)
    attribution = PathAttribution(forest)
    # depths: the pair 1 + c(2) = 2, the single 1 + c(1) = 1; expected at the root (2 * 2 + 1 * 1) / 3 = 5/3
    assert attribution.base == pytest.approx(5 / 3)
    assert attribution.contributions(values).ravel().tolist() == pytest.approx([-1 / 3, -1 / 3, 2 / 3])


def test_the_anomalous_feature_contributes_most() -> None:
    values = matrix()
    contributions = PathAttribution(train_forest(values, PARAMETERS)).contributions(values[:1])
    assert contributions[0].argmax() == 5


def test_forest_that_never_splits_contributes_nothing() -> None:
    values = np.ones((10, 3), dtype=np.float32)
    attribution = PathAttribution(train_forest(values, PARAMETERS))
    assert not attribution.contributions(values).any()


def test_same_rows_give_the_same_bytes() -> None:
    def saved(junk: Sequence[int]) -> bytes:
        keep = [np.full(n, 255, dtype=np.uint8) for n in junk]  # other memory, so that other padding is met
        buffer = io.BytesIO()
        del keep
        joblib.dump(train_forest(matrix(), PARAMETERS), buffer)
        return buffer.getvalue()

    assert saved([10_000] * 50) == saved([333] * 500) == saved([])
