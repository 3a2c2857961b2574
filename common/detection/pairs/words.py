"""What logs call the traffic of pairs, as numbers: an application on a port, and a registered domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from common.arrays import Flags, Integers

WORDS = ("app", "domain")
# an application counts on its port and in its role, a domain where the host began the session
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_MASK = np.uint64((1 << 62) - 1)


def word_codes(table: pa.Table, service: NDArray[Any]) -> dict[str, Integers]:
    """The codes of the rows' words, 0 for none, by the names of `WORDS`; without those that no row has.

    `service` is 2 x port + role (1 for inbound). A code is a hash, so the same in all lakes, processes and machines.
    """
    found = {}
    for name in WORDS:
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


@dataclass(frozen=True, eq=False)
class WordKeys:
    """Keys of hosts with words of one name: host x values + value, where the last value is any other word.

    `codes` are those of the words of some pairs, which rise; only these are told apart.
    """

    name: str
    codes: Integers

    @classmethod
    def of(cls, name: str, words: Sequence[Mapping[str, Integers]]) -> WordKeys:
        """The keys for these words."""
        every = [some[name] for some in words if name in some]
        codes = np.unique(np.concatenate(every)) if every else np.zeros(0, dtype=np.int64)
        return cls(name, codes[codes > 0])

    def of_rows(self, host: NDArray[Any], words: Mapping[str, Integers]) -> tuple[Integers, Flags]:
        """The keys of the rows that have a word, and which these are."""
        if self.name not in words:
            return np.zeros(0, dtype=np.int64), np.zeros(len(host), dtype=bool)
        codes = words[self.name]
        said = codes > 0
        codes = codes[said]
        place = np.minimum(np.searchsorted(self.codes, codes), max(len(self.codes) - 1, 0))
        known = self.codes[place] == codes if len(self.codes) else np.zeros(len(codes), dtype=bool)
        return host[said] * self._values + np.where(known, place, len(self.codes)), said

    @property
    def met(self) -> dict[str, Integers]:
        """The values of the pairs' words."""
        return {self.name: np.arange(len(self.codes))}

    def parts(self, keys: Integers) -> tuple[Integers, Integers, Integers]:
        """Host, value and service, which is not told apart, of each key."""
        host, value = np.divmod(keys, self._values)
        return host, value, np.zeros(len(keys), dtype=np.int64)

    def values(self, value: Integers, service: Integers) -> dict[str, Integers]:
        """The values, -1 for what no pair says."""
        return {self.name: np.where(value < len(self.codes), value, -1)}

    def inbound(self, service: Integers) -> Flags:
        """No service is told apart."""
        return np.zeros(len(service), dtype=bool)

    @property
    def _values(self) -> int:
        return len(self.codes) + 1
