import numpy as np
import pytest

from common.arrays import Floats, Matrix
from common.config.training import TrainingParameters
from common.detection.members.member import ForestParameters
from common.detection.preprocessing import Preprocessor
from jobs.if_training.feature_selection import (
    CORRELATED,
    HARMFUL,
    UNSTABLE,
    Selection,
    permutation_gains,
    select,
    uncorrelated,
)
from jobs.if_training.growing import grow_estimator
from jobs.if_training.synthetic_anomalies import Examination, examine
from tests.common.detection.synthetic import NAMES, SETTINGS, structured
from tests.factories import SPEC

PARAMETERS = TrainingParameters(bootstraps=3, permutations=2)


def columns(*values: Floats) -> Matrix:
    return np.array(values, dtype=np.float32).T


def test_of_two_that_rank_alike_the_first_stays() -> None:
    base = np.arange(50.0)
    kept = uncorrelated(columns(base, base**3, np.random.default_rng(0).random(50)), 0.95)
    assert kept.tolist() == [True, False, True]


def test_inverse_ranks_are_alike_too() -> None:
    base = np.arange(50.0)
    assert uncorrelated(columns(base, -base), 0.95).tolist() == [True, False]


def test_the_one_with_fewer_nulls_is_better() -> None:
    base = np.arange(50.0)
    holes = np.where(base == 25, np.nan, base)
    assert uncorrelated(columns(holes, base), 0.95).tolist() == [False, True]


def test_the_one_with_more_values_is_better() -> None:
    base = np.arange(100.0)
    assert uncorrelated(columns(np.floor(base / 4), base), 0.95).tolist() == [False, True]


def test_two_repeats_of_one_do_not_save_each_other() -> None:
    """b is like a and like c, but a and c are not alike: a stays, b goes, c stays."""
    rng = np.random.default_rng(0)
    b = np.arange(400.0)
    a, c = b + rng.uniform(-45, 45, 400), b + rng.uniform(-45, 45, 400)

    def rank(x: Floats, y: Floats) -> float:
        return abs(float(np.corrcoef(np.argsort(np.argsort(x)), np.argsort(np.argsort(y)))[0, 1]))

    limit = (rank(a, c) + min(rank(a, b), rank(b, c))) / 2
    assert rank(a, c) < limit < min(rank(a, b), rank(b, c))
    assert uncorrelated(columns(a, b, c), limit).tolist() == [True, False, True]


def test_a_limit_of_one_keeps_what_is_not_the_same() -> None:
    rng = np.random.default_rng(0)
    base = rng.random(60)
    assert uncorrelated(columns(base, base + rng.normal(0, 1e-3, 60)), 1.0).tolist() == [True, True]


def test_shuffling_the_only_telling_column_costs_what_it_gave() -> None:
    rng = np.random.default_rng(0)
    anomalous = np.arange(400) >= 300
    rows = rng.normal(0, 1, (400, 5)).astype(np.float32)
    rows[anomalous, 2] += 8
    forest = grow_estimator(rng.normal(0, 1, (1000, 5)).astype(np.float32), ForestParameters(50, 256, random_state=1))
    before = rows.copy()
    gains = permutation_gains(forest, rows, anomalous, repeats=3, seed=1)
    assert gains.shape == (3, 5)
    assert gains[:, 2].min() > 0.2
    assert np.abs(np.delete(gains, 2, axis=1)).max() < 0.06
    np.testing.assert_array_equal(rows, before)


def test_a_column_that_no_tree_splits_on_costs_nothing() -> None:
    rng = np.random.default_rng(0)
    grown = rng.normal(0, 1, (300, 3)).astype(np.float32)
    grown[:, 1] = 0  # constant: cannot be split on
    forest = grow_estimator(grown, ForestParameters(20, 256, random_state=1))
    rows = rng.normal(0, 1, (100, 3)).astype(np.float32)
    assert (permutation_gains(forest, rows, np.arange(100) > 80, repeats=2, seed=1)[:, 1] == 0).all()


@pytest.fixture(scope="module")
def selected() -> tuple[Matrix, Examination, Selection]:
    earlier = structured(600, 1)
    later = examine(
        structured(300, 2), Preprocessor.fit(earlier, NAMES, SETTINGS.parameters.preprocessing), SPEC, 300, 80, [1]
    )
    return earlier, later, select(earlier, later, SETTINGS, PARAMETERS)


@pytest.mark.slow
def test_repeats_of_a_family_are_left_out(selected: tuple[Matrix, Examination, Selection]) -> None:
    """All features of a family are its level and noise: one of them is enough."""
    _, _, selection = selected
    kept = [name for name in NAMES if name not in selection.left_out]
    assert selection.left_out["sessions_cnt_w_30m"] == CORRELATED
    assert selection.figures["left_out"][CORRELATED] > 1500
    assert len(kept) == selection.figures["kept"] + len(NAMES) - selection.figures["judged"]


@pytest.mark.slow
def test_reasons_are_counted(selected: tuple[Matrix, Examination, Selection]) -> None:
    _, _, selection = selected
    counted = selection.figures["left_out"]
    assert set(counted) == {CORRELATED, UNSTABLE, HARMFUL}
    assert sum(counted.values()) == len(selection.left_out)


@pytest.mark.slow
def test_selection_is_repeatable(selected: tuple[Matrix, Examination, Selection]) -> None:
    earlier, later, selection = selected
    assert select(earlier, later, SETTINGS, PARAMETERS) == selection


@pytest.mark.slow
def test_a_feature_that_does_not_vary_is_not_judged(selected: tuple[Matrix, Examination, Selection]) -> None:
    earlier, later, _ = selected
    flat = earlier.copy()
    flat[:, NAMES.index("deny_cnt_w_15m")] = 0
    selection = select(flat, later, SETTINGS, PARAMETERS)
    assert "deny_cnt_w_15m" not in selection.left_out
