"""What logs call the traffic of pairs, as numbers: an application on a port, and a registered domain."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from common.arrays import Integers

WORDS = ("app", "domain")
# an application counts on its port and in its role, a domain where the host began the session
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_MASK = np.uint64((1 << 62) - 1)


def word_codes(table: pa.Table, service: NDArray[Any]) -> dict[str, Integers]:
    """The codes of the rows' words, 0 for none, by the names of `WORDS`; without those that no row has.

    `service` is 2 x port + role (1 for inbound). A code is a hash, so the same in all lakes, processes and machines.
    """
    found = {}
    for name in (name for name in WORDS if name in table.column_names):
        column = table[name]
        if column.null_count < len(column):
            found[name] = _codes(column, service.astype(np.uint64), name)
    return found


def _codes(column: pa.ChunkedArray, service: NDArray[np.uint64], name: str) -> Integers:
    chunks = [chunk if pa.types.is_dictionary(chunk.type) else chunk.dictionary_encode() for chunk in column.chunks]
    hashes = np.concatenate([_hashes(chunk) for chunk in chunks])
    known = hashes > 0
    if name == "domain":
        known &= service % 2 == 0
        mixed = hashes
    else:
        mixed = hashes ^ (service + np.uint64(1)) * _FACTOR
    return np.where(known, (mixed & _MASK) | np.uint64(1), np.uint64(0)).astype(np.int64)


def _hashes(words: pa.DictionaryArray) -> NDArray[np.uint64]:
    each = [_hash(text) for text in words.dictionary.to_pylist()]
    numbers = np.asarray(words.indices.fill_null(len(each)))
    found: NDArray[np.uint64] = np.array([*each, 0], dtype=np.uint64)[numbers]
    return found


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) | 1
