"""XXH64 of columns, one after the other, as Spark's `xxhash64` has it: the same on every machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from operator import add

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from common.arrays import Integers

Hashes = NDArray[np.uint64]
Words = NDArray[np.unsignedinteger]
Read = Callable[[int, int], Words]
"""Gives so many bytes of each row's value from an offset, as a whole number."""

SEED = 42
ROWS_AT_ONCE = 1 << 14
"""What is calculated of them stays in the cache of a processor core."""
STRIPE = 32
P1, P2, P3, P4, P5 = (
    np.uint64(prime)
    for prime in (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)
)


def xxhash64(columns: Iterable[pa.Array | pa.ChunkedArray], begin: Hashes) -> Hashes:
    """The hashes of each row's values in these columns: 64-bit numbers, times in microseconds, and texts.

    Args:
        columns: hashed from the first to the last; null leaves a hash as it is. Texts may be dictionary-encoded.
        begin: the hashes so far, `(n_hashes, n_rows)`; at the beginning `SEED`.
    """
    values = [_Values(column) for column in columns]
    found = begin.copy()
    for first in range(0, found.shape[1], ROWS_AT_ONCE):
        part = slice(first, first + ROWS_AT_ONCE)
        for column in values:
            for rows, length, read in column.by_length(part):
                found[:, part][:, rows] = _hashed(found[:, part][:, rows], length, read)
    return found


class _Values:
    """The bytes of a column's values: where those of each row begin, and how many there are; -1 for null."""

    def __init__(self, column: pa.Array | pa.ChunkedArray) -> None:
        array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        if isinstance(array, pa.ChunkedArray):  # of dictionaries that differ
            array = array.unify_dictionaries().chunk(0)
        is_coded = pa.types.is_dictionary(array.type)
        texts = array.dictionary if is_coded else array
        if pa.types.is_string(texts.type):
            offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset :][: len(texts) + 1].astype(np.int64)
            starts, lengths, data = offsets[:-1], np.diff(offsets), texts.buffers()[2]
        else:
            numbers = np.ascontiguousarray(texts.cast(pa.int64()).fill_null(0).to_numpy())
            starts, lengths, data = np.arange(len(numbers)) * 8, np.full(len(numbers), 8), pa.py_buffer(numbers)
        if is_coded:
            codes = np.asarray(array.indices.fill_null(0))
            starts, lengths = starts[codes], lengths[codes]
        if array.null_count:
            lengths[np.asarray(array.is_null())] = -1
        self._starts, self._lengths = starts, lengths
        self._data = np.frombuffer(data, np.uint8) if data else np.empty(0, np.uint8)

    def by_length(self, part: slice) -> Iterator[tuple[slice | Integers, int, Read]]:
        """The places of the rows of each length among those of a part, without those that are null."""
        starts, lengths = self._starts[part], self._lengths[part]
        distinct = np.flatnonzero(np.bincount(lengths + 1)) - 1
        for length in distinct[distinct >= 0].tolist():
            rows = slice(None) if len(distinct) == 1 else np.flatnonzero(lengths == length)
            yield rows, length, self._reader(starts[rows])

    def _reader(self, starts: Integers) -> Read:
        def read(offset: int, size: int) -> Words:
            count = max(len(self._data) - size + 1, 0)
            words = np.ndarray((count,), f"<u{size}", self._data, strides=(1,))  # at every place, aligned or not
            return words[starts + offset]

        return read


def _hashed(begin: Hashes, length: int, read: Read) -> Hashes:
    """XXH64 of values of the same length, with the hashes so far as seeds."""
    offset = length // STRIPE * STRIPE
    found = (_stripes(begin, offset, read) if offset else begin + P5) + np.uint64(length)
    while offset + 8 <= length:
        found ^= _round(np.uint64(0), read(offset, 8))
        found = _rotated(found, 27) * P1 + P4
        offset += 8
    if offset + 4 <= length:
        found ^= read(offset, 4) * P1
        found = _rotated(found, 23) * P2 + P3
        offset += 4
    while offset < length:
        found ^= read(offset, 1) * P5
        found = _rotated(found, 11) * P1
        offset += 1
    found ^= found >> np.uint64(33)
    found *= P2
    found ^= found >> np.uint64(29)
    found *= P3
    found ^= found >> np.uint64(32)
    return found


def _stripes(begin: Hashes, behind: int, read: Read) -> Hashes:
    lanes = [begin + P1 + P2, begin + P2, begin, begin - P1]
    for offset in range(0, behind, STRIPE):
        lanes = [_round(lane, read(offset + 8 * place, 8)) for place, lane in enumerate(lanes)]
    found = reduce(add, (_rotated(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18), strict=True)))
    for lane in lanes:
        found = (found ^ _round(np.uint64(0), lane)) * P1 + P4
    return found


def _round(lane: Hashes | np.uint64, word: Words) -> Hashes:
    return _rotated(lane + word * P2, 31) * P1


def _rotated(values: Hashes, bits: int) -> Hashes:
    return (values << np.uint64(bits)) | (values >> np.uint64(64 - bits))
