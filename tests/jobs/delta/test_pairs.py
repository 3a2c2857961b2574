"""Gaps between the sessions of a pair."""

from __future__ import annotations

import numpy as np

from jobs.delta.pairs import gap_sums

SECOND = 1_000_000


def sums(*starts: list[int]) -> list[list[float]]:
    """First start, last start and sum of squared gaps of each pair, in and of seconds."""
    heads = np.cumsum([0, *map(len, starts[:-1])])
    first, last, squares = gap_sums(np.concatenate(starts) * SECOND, heads)
    return [(first / SECOND).tolist(), (last / SECOND).tolist(), squares.tolist()]


def test_gaps_are_those_of_the_sessions_in_order() -> None:
    # starts 10, 12, 17: gaps 2 and 5, 4 + 25 = 29
    assert sums([17, 10, 12]) == [[10], [17], [29]]


def test_no_gap_is_counted_between_pairs() -> None:
    # gaps of 3 and of 4 and 4: 9, and 16 + 16 = 32
    assert sums([100, 103], [7, 15, 11]) == [[100, 7], [103, 15], [9, 32]]


def test_one_session_has_no_gap() -> None:
    assert sums([5], [9]) == [[5, 9], [5, 9], [0, 0]]


def test_sessions_that_start_together_are_no_time_apart() -> None:
    assert sums([4, 4, 6]) == [[4], [6], [4]]
