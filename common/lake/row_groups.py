"""Rows divided by a number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
import pyarrow as pa

from common.arrays import Integers

Rows = TypeVar("Rows", pa.Table, pa.RecordBatch)


def by_number(rows: Rows, numbers: Integers) -> Iterator[tuple[int, Rows]]:
    """The rows of each number, in their order; the numbers ascend."""
    distinct, counts = np.unique(numbers, return_counts=True)
    if len(distinct) > 1:
        rows = rows.take(pa.array(np.argsort(numbers, kind="stable")))
    begin = 0
    for number, count in zip(distinct.tolist(), counts.tolist(), strict=True):
        yield number, rows.slice(begin, count)
        begin += count
