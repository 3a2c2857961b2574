"""Rows divided by a number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Rows = TypeVar("Rows", pa.Table, pa.RecordBatch)


def by_number(rows: Rows, numbers: NDArray[np.integer[Any]]) -> Iterator[tuple[int, Rows]]:
    """The rows of each number, in their order; the numbers ascend. Those of 16 bits are sorted fastest."""
    distinct, counts = np.unique(numbers, return_counts=True)
    if (numbers[1:] < numbers[:-1]).any():
        rows = rows.take(pa.array(np.argsort(numbers, kind="stable")))
    begin = 0
    for number, count in zip(distinct.tolist(), counts.tolist(), strict=True):
        yield number, rows.slice(begin, count)
        begin += count
