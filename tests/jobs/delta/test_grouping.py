"""Sessions divided by host and pair."""

from __future__ import annotations

import numpy as np
import pytest

from common.arrays import Integers
from jobs.delta.grouping import LARGEST, combined, sorted_within


def test_combinations_have_numbers_in_their_order() -> None:
    numbers = combined(np.array([1, 0, 1, 0]), np.array([0, 2, 0, 1]))
    assert np.argsort(numbers, kind="stable").tolist() == [3, 1, 0, 2]
    assert len(np.unique(numbers)) == 3


def test_combinations_of_large_numbers_stay_apart() -> None:
    far = LARGEST // 2
    columns = np.array([0, far, far, 0]), np.array([far, 0, far, 0])
    assert np.argsort(combined(*columns)).tolist() == [3, 0, 1, 2]


@pytest.mark.parametrize("offset", [0, LARGEST - 100], ids=["near", "too far apart for one integer"])
def test_values_are_sorted_within_their_group(offset: int) -> None:
    values: Integers = np.array([17, 10 + offset, 12, 9, -3, 4])
    assert sorted_within(values, np.array([0, 3, 4])).tolist() == [*sorted([17, 10 + offset, 12]), 9, -3, 4]
