"""Quantiles of the lists of values that a host slice collects."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from jobs.delta.hosts import list_quantiles


def quantiles(values: list[list[float] | None], *shares: float) -> list[list[float]]:
    found: list[list[float]] = list_quantiles(pa.array(values, pa.list_(pa.float64())), shares).tolist()
    return found


def test_quantiles_lie_between_the_two_nearest_values() -> None:
    # of 1, 2, 4, 8 at place 0.25 * 3 = 0.75: 1 + 0.75 * (2 - 1); at 0.5 * 3 = 1.5: 2 + 0.5 * (4 - 2)
    assert quantiles([[8.0, 1.0, 4.0, 2.0]], 0.25, 0.5, 1.0) == [[1.75, 3.0, 8.0]]


def test_each_list_is_taken_by_itself() -> None:
    assert quantiles([[5.0], [3.0, 1.0], [2.0, 2.0, 2.0]], 0.5) == [[5.0], [2.0], [2.0]]


@pytest.mark.parametrize("values", [[None, []], [[], [1.0], None]])
def test_lists_that_are_null_or_empty_have_no_quantiles(values: list[list[float] | None]) -> None:
    found = np.array(quantiles(values, 0.25, 0.99))
    assert np.isnan(found).all(axis=1).tolist() == [not entry for entry in values]


def test_quantiles_equal_those_of_numpy() -> None:
    rng = np.random.default_rng(0)
    lists = [rng.lognormal(5, 2, size).tolist() for size in rng.integers(1, 40, 30)]
    shares = (0.25, 0.5, 0.75, 0.95, 0.99)
    np.testing.assert_allclose(quantiles(lists, *shares), [np.quantile(values, shares) for values in lists])
