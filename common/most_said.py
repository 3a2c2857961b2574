"""The word that most rows of a group have, such as the application of most of its sessions."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from common.arrays import Integers
from common.coded import Names, ranks
from common.pair_keys import first_of_each

WORD = pa.dictionary(pa.int32(), pa.string())


class Said:
    """What the rows of groups say, in however many pieces they come: the weight of each word in each group."""

    def __init__(self) -> None:
        self._words = Names()
        self._parts: list[tuple[Integers, ...]] = []

    def add(self, groups: Integers, words: pa.ChunkedArray, weights: Integers) -> None:
        """Adds rows of these groups; null says nothing."""
        if words.null_count == len(words):
            return
        known = np.asarray(words.is_valid())
        numbers = self._words.numbers(words.filter(pa.array(known)) if words.null_count else words)
        self._parts.append(_summed(groups[known], numbers, weights[known]))

    def most(self, groups: Integers) -> pa.DictionaryArray:
        """The word of most weight in each of these groups, which rise; of as many, the first in the order of texts.

        Null where no row of the group has said anything.
        """
        if not self._parts:
            return pa.nulls(len(groups), WORD)
        group, word, weight = _summed(*map(np.concatenate, zip(*self._parts, strict=True)))
        order = np.lexsort((ranks(self._words.texts)[word], -weight, group))
        first = order[first_of_each(group[order])]
        place = np.minimum(np.searchsorted(group[first], groups), len(first) - 1)
        missing = group[first[place]] != groups
        found = pa.array(word[first[place]].astype(np.int32), mask=missing)
        return pa.DictionaryArray.from_arrays(found, self._words.texts)


def _summed(groups: Integers, words: Integers, weights: Integers) -> tuple[Integers, Integers, Integers]:
    """The weights of each word in each group, in their order."""
    groups, words, weights = _runs(groups, words, weights)  # few, as rows of a group mostly come together and agree
    order = np.lexsort((words, groups))
    return _runs(groups[order], words[order], weights[order])


def _runs(groups: Integers, words: Integers, weights: Integers) -> tuple[Integers, Integers, Integers]:
    """Rows that follow each other and agree, as one with the sum of their weights."""
    begins = np.ones(len(groups), dtype=bool)
    begins[1:] = (groups[1:] != groups[:-1]) | (words[1:] != words[:-1])
    heads = np.flatnonzero(begins)
    return groups[heads], words[heads], np.add.reduceat(weights, heads)
