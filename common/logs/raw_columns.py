"""The raw columns of a batch, and which of its rows are certain so far."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Flags, Floats, Integers
from common.coded import repeated
from common.contracts.session import OF_FEW_VALUES
from common.logs import values
from common.logs.vectors import addresses, as_text, by_distinct, encoded, integers, real_numbers, texts


class RawColumns:
    """The raw columns of a batch, and the mask of the rows that are certain so far."""

    def __init__(self, raw: pa.RecordBatch) -> None:
        self.raw = raw
        self.certain: Flags = np.ones(raw.num_rows, dtype=bool)

    def has(self, name: str) -> bool:
        """Whether there is such a column."""
        return name in self.raw.schema.names

    def column(self, name: str) -> pa.Array:
        """The column as it is."""
        return self.raw.column(self.raw.schema.get_field_index(name))

    def nulls(self, arrow_type: pa.DataType) -> pa.Array:
        """A column of nulls."""
        return pa.nulls(self.raw.num_rows, arrow_type)

    def repeated(self, text: str) -> pa.DictionaryArray:
        """A column with the same text in each row."""
        return repeated(text, self.raw.num_rows)

    def distinct(
        self, name: str, rule: Callable[[str], Any], arrow_type: pa.DataType, required: bool = False
    ) -> pa.Array:
        """A column with the rule applied to each distinct value."""
        return self._checked(*by_distinct(self.column(name), rule, arrow_type), required)

    def text(self, name: str, rule: Callable[[str | None], str | None]) -> pa.Array:
        """An optional text column, normalised; with a dictionary if it has few values."""
        form = encoded if name in OF_FEW_VALUES else as_text
        return self._checked(*texts(form(self.column(name)), rule), False)

    def integers(self, name: str, required: bool = False) -> pa.Array:
        """A column of whole numbers from 0."""
        return self._checked(*integers(self.column(name)), required)

    def addresses(self, name: str) -> pa.Array:
        """A column of addresses that must not be empty, with a dictionary."""
        return self._checked(*addresses(self.column(name), partial(values.ip, name)), True)

    def small_numbers(self, name: str, maximum: int) -> pa.Array:
        """An optional column of whole numbers from 1 to the maximum; null for any other number."""
        numbers = self.integers(name)
        inside = pc.and_(pc.greater_equal(numbers, 1), pc.less_equal(numbers, maximum))
        return pc.if_else(inside, numbers, pa.scalar(None, pa.int64())).cast(pa.int32())

    def durations(self, name: str) -> Floats:
        """A column of seconds that must not be empty."""
        column = self._checked(*real_numbers(self.column(name), name), True)
        numbers = column.fill_null(0).to_numpy(zero_copy_only=False)
        self.certain &= (numbers >= 0) & (numbers <= values.MAX_DURATION_S)
        return np.where(self.certain, numbers, 0)

    def _checked(self, column: pa.Array, certain: Flags, required: bool) -> pa.Array:
        self.certain &= certain
        if required and column.null_count:
            self.certain &= np.asarray(column.is_valid())
        return column


def numbers_of(column: pa.Array) -> Integers:
    """The numbers of a column, 0 for null."""
    numbers: Integers = column.fill_null(0).to_numpy(zero_copy_only=False)
    return numbers
