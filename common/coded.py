"""Numbers for the texts of dictionary-encoded columns, each distinct text looked at once."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Integers

ROWS_LOOKED_AT = 1 << 16
"""At once, for texts that a column has: most columns have all of theirs in the first rows."""


def encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    """The column as one array with one dictionary."""
    coded = column.unify_dictionaries() if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    return coded.combine_chunks()


def compacted(column: pa.DictionaryArray) -> pa.DictionaryArray:
    """The column with a dictionary of those texts alone that its rows have; itself if it has no others."""
    used = np.zeros(len(column.dictionary), dtype=bool)
    for begin in range(0, len(column), ROWS_LOOKED_AT):
        used[np.asarray(column.indices.slice(begin, ROWS_LOOKED_AT).drop_null())] = True
        if used.all():
            return column
    missing = np.asarray(column.indices.is_null())
    places = np.append(np.cumsum(used, dtype=np.int32) - 1, np.int32(0))
    rows = pa.array(places[np.asarray(column.indices.fill_null(0))], mask=missing)
    return pa.DictionaryArray.from_arrays(rows, column.dictionary.filter(pa.array(used)))


def positions(column: pa.ChunkedArray, texts: pa.Array) -> Integers:
    """The position of each row's text among the texts, -1 for others."""
    coded = encoded(column)
    place = pc.fill_null(pc.index_in(coded.dictionary, value_set=texts), -1)
    numbers: Integers = np.asarray(place).astype(np.int64)[np.asarray(coded.indices)]
    return numbers


def repeated(text: str, count: int) -> pa.DictionaryArray:
    """A column with the same text in each row."""
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), [text])


def ranks(texts: pa.Array) -> Integers:
    """The place of each text in their order."""
    found = np.empty(len(texts), dtype=np.int64)
    found[np.asarray(pc.sort_indices(texts))] = np.arange(len(texts))
    return found


class Names:
    """The texts of the rows of several tables, with a number each: from 0 in the order in which they come."""

    def __init__(self) -> None:
        self.texts = pa.array([], pa.string())

    def numbers(self, column: pa.ChunkedArray) -> Integers:
        """The number of each row's text, which may be a new one."""
        coded = encoded(column)
        found = pc.fill_null(pc.index_in(coded.dictionary, value_set=self.texts), -1)
        place: Integers = np.asarray(found).astype(np.int64)
        rows = np.asarray(coded.indices)
        used = np.bincount(rows, minlength=len(place)) > 0
        fresh = np.flatnonzero(used & (place < 0))
        place[fresh] = len(self.texts) + np.arange(len(fresh))
        self.texts = pa.concat_arrays([self.texts, coded.dictionary.take(pa.array(fresh))])
        numbers: Integers = place[rows]
        return numbers

    def column(self, numbers: Integers) -> pa.DictionaryArray:
        """The texts of numbers."""
        return pa.DictionaryArray.from_arrays(numbers.astype(np.int32), self.texts)
