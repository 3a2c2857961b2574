"""The word that most rows of a group have, in whatever pieces they come."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from common.most_said import Said

GROUPS = [7, 7, 7, 7, 2, 2, 9, 9, 4]
WORDS = ["b", "a", "b", "a", "c", None, "b", "a", None]
WEIGHTS = [1, 4, 2, 1, 1, 9, 3, 3, 5]
ASKED = [2, 4, 5, 7, 9, 11]
FOUND = ["c", None, None, "a", "a", None]  # of 7: a 4 + 1, b 1 + 2; of 9 as many, so the first by name


@pytest.mark.parametrize("pieces", [1, 2, 3, 9])
@pytest.mark.parametrize("coded", [False, True])
def test_the_word_of_most_weight(pieces: int, coded: bool) -> None:
    said = Said()
    for rows in np.array_split(np.arange(len(GROUPS))[::-1], pieces):
        column = pa.chunked_array([pa.array(WORDS, pa.string()).take(pa.array(rows))])
        said.add(np.array(GROUPS)[rows], column.dictionary_encode() if coded else column, np.array(WEIGHTS)[rows])
    assert said.most(np.array(ASKED)).to_pylist() == FOUND


def test_nobody_has_said_anything() -> None:
    said = Said()
    said.add(np.array([1, 2]), pa.chunked_array([pa.nulls(2, pa.string())]), np.array([1, 1]))
    assert said.most(np.array([1, 2])).to_pylist() == [None, None]
    assert said.most(np.array([], dtype=np.int64)).to_pylist() == []
