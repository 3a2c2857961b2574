"""Quantiles of the values of a host slice's sessions."""

from __future__ import annotations

import numpy as np
import pytest

from common.contracts import QUANTILES
from jobs.delta.hosts import quantiles

NULL = float("nan")


def found(*groups: list[float]) -> list[list[float]]:
    """The quantiles of each group of values, which has one at least."""
    heads = np.cumsum([0, *map(len, groups[:-1])])
    quantiles_of: list[list[float]] = quantiles(np.concatenate(groups), heads).tolist()
    return quantiles_of


def test_quantiles_lie_between_the_two_nearest_values() -> None:
    # of 1, 2, 4, 8 at place 0.25 * 3 = 0.75: 1 + 0.75 * (2 - 1); at 0.5 * 3 = 1.5: 2 + 0.5 * (4 - 2)
    assert found([8.0, 1.0, 4.0, 2.0])[0][:2] == [1.75, 3.0]


def test_each_group_is_taken_by_itself() -> None:
    medians = [entry[1] for entry in found([5.0], [3.0, 1.0], [2.0, 2.0, 2.0])]
    assert medians == [5.0, 2.0, 2.0]


def test_nulls_have_no_part_in_quantiles() -> None:
    assert found([NULL, 1.0, NULL, 3.0], [4.0, NULL])[0][1] == 2.0
    assert found([NULL, 1.0, NULL, 3.0], [4.0, NULL])[1] == [4.0] * len(QUANTILES)


@pytest.mark.parametrize("groups", [([NULL], [1.0]), ([1.0], [NULL, NULL])])
def test_groups_without_values_have_no_quantiles(groups: tuple[list[float], list[float]]) -> None:
    assert np.isnan(found(*groups)).all(axis=1).tolist() == np.isnan([group[0] for group in groups]).tolist()


def test_quantiles_equal_those_of_numpy() -> None:
    rng = np.random.default_rng(0)
    groups = [rng.lognormal(5, 2, size).tolist() for size in rng.integers(1, 40, 30)]
    shares = list(QUANTILES.values())
    np.testing.assert_allclose(found(*groups), [np.quantile(values, shares) for values in groups])
