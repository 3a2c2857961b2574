"""XXH64 of columns, as the engines have it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from common.hashing import ROWS_AT_ONCE, SEED, xxhash64

ROWS = ROWS_AT_ONCE + 100


def of(*columns: pa.Array | pa.ChunkedArray) -> list[int]:
    found: list[int] = xxhash64(columns, np.full((1, len(columns[0])), SEED, np.uint64))[0].view(np.int64).tolist()
    return found


def texts(dice: np.random.Generator) -> pa.Array:
    """Of 0 to 99 bytes, some of them null."""
    letters = np.array(list("ab0.-_ä€"))
    found = ["".join(dice.choice(letters, length)) for length in dice.integers(0, 50, ROWS)]
    return pa.array([None if number % 11 == 0 else text for number, text in enumerate(found)])


@pytest.mark.parity
def test_hashes_are_those_of_the_engine(session: SparkSession) -> None:
    dice = np.random.default_rng(7)
    several = texts(dice)
    few = several.slice(0, 40).take(pa.array(dice.integers(0, 40, ROWS)))
    numbers = pa.array(dice.integers(-(2**63), 2**63, ROWS), mask=dice.random(ROWS) < 0.1)
    rows = pa.table({"several": several, "number": numbers, "few": few})
    found = session.createDataFrame(rows).select(F.xxhash64(*rows.column_names).alias("hash"), "number", "few")
    expected = sorted(found.toArrow()["hash"].to_pylist())
    assert sorted(of(several, numbers, few)) == expected
    assert sorted(of(several, numbers, few.dictionary_encode())) == expected


def test_several_hashes_and_parts_of_arrays() -> None:
    column = pa.array(["x", "session 4711", None, "a text that has more than thirty-two bytes"])
    coded = pa.chunked_array([column.slice(0, 3).dictionary_encode(), column.slice(3).dictionary_encode()])
    both = xxhash64([column], np.array([[SEED] * 4, [5] * 4], np.uint64))
    assert both[0].view(np.int64).tolist() == of(column) == of(coded)
    assert of(column.slice(1)) == of(column)[1:]
    assert both[:, 2].tolist() == [SEED, 5]
    assert len({*both.ravel().tolist()}) == 8


def test_no_rows_have_no_hashes() -> None:
    assert of(pa.array([], pa.string())) == []
