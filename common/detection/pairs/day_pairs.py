"""The pairs that occur in the windows of a day, by number, and what slices say of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Flags, Integers
from common.detection.pairs.contacts import Finder, Small, changes
from common.detection.pairs.day_sums import PairSlices
from common.detection.pairs.pair_keys import PairKeys
from common.detection.pairs.reading import PAIR, QUANTITIES, Slices, quantities


@dataclass(frozen=True, eq=False)
class DayPairs:
    """Pairs, numbered in the order of their texts, which `texts` has with `segment_id`; and the key of each."""

    texts: pa.Table
    keys: PairKeys
    codes: Integers
    _finder: Finder
    _numbers: Small

    @classmethod
    def of(cls, present: Sequence[Slices], keys: PairKeys) -> DayPairs:
        """The pairs of the slices, which are among those that the keys were made for."""
        codes = np.concatenate([keys.of_contacts(part.contacts) for part in present])
        order = np.argsort(codes)
        first = order[changes(codes[order])]  # a row of each pair, by rising key
        rows = (
            pa.concat_tables([part.table.select([*PAIR, "segment_id"]) for part in present])
            .unify_dictionaries()
            .combine_chunks()
        )
        rows = rows.take(pa.array(first)).combine_chunks()
        by_text = np.lexsort([_ranks(rows[name].combine_chunks()) for name in reversed(PAIR)])
        rising = codes[first]
        numbers = np.empty(len(first), dtype=np.int32)
        numbers[by_text] = np.arange(len(first))
        return cls(rows.take(pa.array(by_text)).combine_chunks(), keys, rising[by_text], Finder(rising), numbers)

    def slices(self, part: Slices, keys: Integers) -> PairSlices:
        """What the slices, which have these keys, say of these pairs."""
        pair, known = self.numbers_of(keys)
        table = part.table.select(QUANTITIES).filter(pa.array(known))
        return PairSlices(pair, part.contacts.start[known], quantities(table))

    def numbers_of(self, keys: Integers) -> tuple[Small, Flags]:
        """The numbers of those of the keys that are of these pairs, and which these are."""
        place, known = self._finder.places(keys)
        return self._numbers[place[known]], known


def _ranks(column: pa.Array) -> Integers:
    """The rank of each value of a column of numbers or of dictionary-encoded texts."""
    if not pa.types.is_dictionary(column.type):
        return np.asarray(column, dtype=np.int64)
    order = np.asarray(pc.sort_indices(column.dictionary))
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.arange(len(order))
    return np.asarray(ranks[np.asarray(column.indices)])
