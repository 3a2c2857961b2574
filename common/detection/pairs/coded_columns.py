"""Columns as numbers, and some rows of columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from common.arrays import Floats, Integers
from common.detection.pairs.contacts import window_numbers


@dataclass(frozen=True, eq=False)
class Coded:
    """A column of codes, of groups or of hosts, as places in `codes`, which rise and may have more."""

    numbers: Integers
    codes: Integers

    @classmethod
    def of(cls, values: Integers) -> Coded:
        """The column of these codes."""
        encoded = pa.array(values).dictionary_encode()
        codes = np.asarray(encoded.dictionary, dtype=np.int64)
        order = np.argsort(codes)
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        return cls(rank[np.asarray(encoded.indices)], codes[order])

    @property
    def values(self) -> Integers:
        """The code of each row."""
        return self.codes[self.numbers]

    def of_rows(self, rows: Integers) -> Coded:
        """Those rows of the column."""
        return Coded(self.numbers[rows], self.codes)


@dataclass(frozen=True, eq=False)
class Taken(Mapping[str, Floats]):
    """Some rows of columns."""

    columns: Mapping[str, Floats]
    rows: Integers

    def __getitem__(self, name: str) -> Floats:
        return self.columns[name][self.rows]

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)


def codes(*tables: pa.Table, columns: Sequence[str] = ()) -> list[Integers]:
    """A number for each distinct combination of the columns (of all), the same in all tables; an array for each table.

    Columns are of texts, whole numbers or starts of windows.
    """
    combined = np.zeros(sum(len(table) for table in tables), dtype=np.int64)
    for name in columns or tables[0].column_names:
        part = _numbers([table[name] for table in tables])
        combined = combined * (int(part.max(initial=0)) + 1) + part
    return np.split(combined, np.cumsum([len(table) for table in tables])[:-1])


def in_order(values: Integers) -> tuple[Integers, Integers]:
    """A number for each distinct value, in the order in which they first occur; and the row where each one does."""
    _, first, number = np.unique(values, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank[number], first[order]


def _numbers(columns: Sequence[pa.ChunkedArray]) -> Integers:
    """A whole number, 0 or more, for each value of the columns, one after the other."""
    kind = columns[0].type
    if pa.types.is_timestamp(kind):
        found = np.concatenate([window_numbers(column) for column in columns])
    elif pa.types.is_integer(kind):
        found = np.concatenate([column.to_numpy().astype(np.int64) for column in columns])
    else:
        encoded = [column if pa.types.is_dictionary(column.type) else column.dictionary_encode() for column in columns]
        chunks = [chunk for column in encoded for chunk in column.chunks]
        whole = pa.chunked_array(chunks, pa.dictionary(pa.int32(), pa.string())).unify_dictionaries()
        return np.asarray(whole.combine_chunks().indices, dtype=np.int64)
    return np.asarray(found - (found.min() if len(found) else 0), dtype=np.int64)
