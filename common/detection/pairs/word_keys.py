"""Keys of words: a number for each host and word, where words are those of some pairs only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.arrays import Flags, Integers
from common.detection.pairs.contacts import Finder


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
        place, known = self._finder.places(codes)
        return host[said] * self._values + np.where(known, place, len(self.codes)), said

    @property
    def met(self) -> dict[str, Integers]:
        """The values of the pairs' words."""
        return {self.name: np.arange(len(self.codes))}

    def parts(self, keys: Integers) -> tuple[Integers, Integers, Integers]:
        """Host, value and service, which is not told apart, of each key."""
        host, value = np.divmod(keys, self._values)
        return host, value, np.zeros(len(keys), dtype=np.int64)

    def value(self, what: str, value: Integers, service: Integers) -> Integers:
        """The values, -1 for what no pair says; there is one name."""
        return np.where(value < len(self.codes), value, -1)

    def inbound(self, service: Integers) -> Flags:
        """No service is told apart."""
        return np.zeros(len(service), dtype=bool)

    @cached_property
    def _finder(self) -> Finder:
        return Finder(self.codes)

    @property
    def _values(self) -> int:
        return len(self.codes) + 1
