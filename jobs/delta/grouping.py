"""Sessions in an order in which those of a host slice follow each other, and therein those of a pair slice."""

from __future__ import annotations

from functools import cache, cached_property
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from common.arrays import Floats, Integers

Numbers = TypeVar("Numbers", Integers, Floats)
LARGEST = np.iinfo(np.int64).max


class HostSessions:
    """All sessions of some hosts, those of two of them once for each role, grouped by one sort.

    `host_heads` and `pair_heads` are the places of the first session of each host slice and pair slice. `pair_heads`
    has those of the records that are no sessions, too; their service is -1.
    """

    def __init__(self, rows: pa.Table) -> None:
        self._rows = rows
        self._texts = {name: _encoded(rows[name]) for name in ("host_ip", "peer_ip")}
        host, peer = (np.asarray(text.indices) for text in self._texts.values())
        of_host = combined(host, *(rows[name].to_numpy() for name in ("is_inbound", "slice")))
        of_pair = combined(of_host, peer, rows["service"].to_numpy() + 1)
        self._order = np.argsort(of_pair)
        self.pair_heads = _heads(of_pair[self._order])
        self.host_heads = _heads(of_host[self._order])

    def values(self, name: str) -> Any:
        """The values of a column, in order."""
        return self._rows[name].to_numpy()[self._order]

    def texts(self, name: str, heads: Integers) -> pa.DictionaryArray:
        """The host or the peer of each group."""
        text = self._texts[name]
        return pa.DictionaryArray.from_arrays(text.indices.take(pa.array(self._order[heads])), text.dictionary)

    def of_groups(self, name: str, heads: Integers) -> Integers:
        """The value of a column that the sessions of a group have in common."""
        common: Integers = self._rows[name].to_numpy()[self._order[heads]].astype(np.int64)
        return common

    @cached_property
    def repeats(self) -> Integers:
        """How many sessions each record stands for."""
        repeats: Integers = self.values("repeat_count")
        return repeats

    @cached_property
    def ends(self) -> Integers:
        """When each session ended, in microseconds."""
        ends: Integers = self.values("end_micros")
        return ends

    @cache  # noqa: B019 - it lives as long as the sessions
    def pair_sums(self, name: str) -> Integers:
        """The sum of a column in each pair slice; of truth values, the sessions for which it is true."""
        values = self.values(name)
        sums: Integers = np.add.reduceat(values * self.repeats if values.dtype == bool else values, self.pair_heads)
        return sums

    def host_sums(self, name: str) -> Integers:
        """The same in each host slice."""
        return np.add.reduceat(self.pair_sums(name), np.searchsorted(self.pair_heads, self.host_heads))


def combined(*columns: Integers) -> Integers:
    """A number for each combination of the columns' numbers, which are not negative; they are ordered alike."""
    numbers = columns[0].astype(np.int64)
    for column in columns[1:]:
        width = int(column.max(initial=0)) + 1
        if int(numbers.max(initial=0)) >= LARGEST // width:
            numbers = np.unique(numbers, return_inverse=True)[1]
        numbers = numbers * width + column
    return numbers


def sorted_within(values: Numbers, heads: Integers) -> Numbers:
    """The values of each group in ascending order, NaN last."""
    ordered = values.copy()
    lengths = np.diff(heads, append=len(values))
    several = lengths > 1
    for begin, end in zip(heads[several].tolist(), (heads + lengths)[several].tolist(), strict=True):
        ordered[begin:end].sort()
    return ordered


def _heads(numbers: Integers) -> Integers:
    """Where a run of equal numbers begins."""
    return np.flatnonzero(np.diff(numbers, prepend=-1))


def _encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    return column.dictionary_encode().combine_chunks()
