"""Sessions in an order in which those of a host slice follow each other, and therein those of a pair slice."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from common.addresses import Segments
from common.arrays import Flags, Integers
from common.coded import encoded, ranks
from common.features.spec import FeatureSpec
from common.most_said import Said
from jobs.delta.sums import flags

LARGEST = np.iinfo(np.int64).max


class HostSessions:
    """All sessions of some hosts, those of two of them once for each role, grouped by one sort.

    `host_heads` and `pair_heads` are the places of the first session of each host slice and pair slice. `pair_heads`
    has those of the records that are no sessions, too, each host and peer's together; their service is below 0, -1 less
    the one that they are about. Hosts are in the order of their texts.
    """

    def __init__(self, rows: pa.Table, spec: FeatureSpec, segments: Segments) -> None:
        self._rows = rows
        self._metrics = {metric.name: metric for metric in spec.sums}
        self._addresses = {name: encoded(rows[name]) for name in ("host_ip", "peer_ip")}
        self._segments = {
            name: segments.names(found.dictionary).dictionary_encode() for name, found in self._addresses.items()
        }
        self._flags = flags(spec)
        self._sums: dict[str, Integers] = {}
        host, peer = (np.asarray(found.indices) for found in self._addresses.values())
        host = ranks(self._addresses["host_ip"].dictionary)[host]
        of_host = combined(host, *(rows[name].to_numpy() for name in ("is_inbound", "slice")))
        service = rows["service"].to_numpy()
        others = np.flatnonzero(service < 0)
        about = np.append(np.maximum(service, -1), -1 - service[others]) + 1
        of_pair = combined(np.append(of_host, of_host[others]), np.append(peer, peer[others]), about)
        of_pair, self._about = of_pair[: len(service)], of_pair[len(service) :]
        self._order, self._others = np.argsort(of_pair), others
        of_pair = of_pair[self._order]
        self.pair_heads = _heads(of_pair)
        self._pairs = of_pair[self.pair_heads]
        self._hosts_in_pairs = _heads(of_host[self._order[self.pair_heads]])
        self.host_heads = self.pair_heads[self._hosts_in_pairs]

    def values(self, name: str) -> Any:
        """The values of a column, in order; NaN for null."""
        return self._rows[name].to_numpy()[self._order]

    def holds(self, name: str) -> Flags:
        """Whether a condition of the sums holds for each record."""
        column, bit = self._flags[name]
        if column not in self._sums:
            self._sums[column] = self.values(column)
        found: Flags = (self._sums[column] & (1 << bit)) != 0
        return found

    def addresses(self, name: str, heads: Integers) -> tuple[pa.DictionaryArray, pa.DictionaryArray]:
        """The host or the peer of each group, and its segment."""
        addresses, segments = self._addresses[name], self._segments[name]
        places = addresses.indices.take(pa.array(self._order[heads]))
        return (
            pa.DictionaryArray.from_arrays(places, addresses.dictionary),
            pa.DictionaryArray.from_arrays(segments.indices.take(places), segments.dictionary),
        )

    def of_groups(self, name: str, heads: Integers) -> Integers:
        """The value of a column that the sessions of a group have in common."""
        common: Integers = self._rows[name].to_numpy()[self._order[heads]].astype(np.int64)
        return common

    def said_of_sessions(self, name: str) -> pa.DictionaryArray:
        """The word of a column that most sessions of each pair slice have; null where none has any."""
        group = np.repeat(self._pairs, np.diff(self.pair_heads, append=len(self._order)))
        return self._most(name, group, self._order, self.repeats)

    def said_about(self, name: str) -> pa.DictionaryArray:
        """The word that most other records about the service of each pair slice have."""
        return self._most(name, self._about, self._others, np.ones(len(self._others), dtype=np.int64))

    def highest_about(self, name: str) -> Integers:
        """The highest value that other records about the service of each pair slice have; 0 without any."""
        highest = np.zeros(len(self._pairs), dtype=np.int64)
        values = self._rows[name].to_numpy()[self._others]
        place = np.minimum(np.searchsorted(self._pairs, self._about), len(self._pairs) - 1)
        known = self._pairs[place] == self._about
        np.maximum.at(highest, place[known], values[known])
        return highest

    def _most(self, name: str, groups: Integers, rows: Integers, weights: Integers) -> pa.DictionaryArray:
        found = Said()
        found.add(groups, pa.chunked_array([encoded(self._rows[name]).take(pa.array(rows))]), weights)
        return found.most(self._pairs)

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

    @cached_property
    def is_traffic(self) -> Flags:
        """Whether a record is one of a session; threats are no sessions."""
        services: Integers = self.values("service")
        return services >= 0

    def counted(self, name: str) -> Flags:
        """Whether each record is one of those that a count of the specification counts."""
        holds = self.holds(name)
        if self._metrics[name].records == "traffic":
            holds &= self.is_traffic
        return holds

    def pair_sums(self, name: str) -> Integers:
        """The sum of the specification for each pair slice."""
        if name not in self._sums:
            if self._metrics[name].counts:
                added = self.counted(name) * self.repeats
            else:
                added = self.values(name)
                added = added * self.is_traffic if self._metrics[name].records == "traffic" else added
            self._sums[name] = np.add.reduceat(added, self.pair_heads)
        return self._sums[name]

    def host_sums(self, name: str) -> Integers:
        """The same for each host slice."""
        return np.add.reduceat(self.pair_sums(name), self._hosts_in_pairs)


def combined(*columns: Integers) -> Integers:
    """A number for each combination of the columns' numbers, which are not negative; they are ordered alike."""
    numbers = columns[0].astype(np.int64)
    for column in columns[1:]:
        width = int(column.max(initial=0)) + 1
        if int(numbers.max(initial=0)) >= LARGEST // width:
            numbers = np.unique(numbers, return_inverse=True)[1]
        numbers = numbers * width + column
    return numbers


def sorted_within(values: Integers, heads: Integers) -> Integers:
    """The values of each group in ascending order; with the number of its group, each is one integer to sort."""
    group = np.repeat(np.arange(len(heads)), np.diff(heads, append=len(values)))
    least = int(values.min())
    width = int(values.max()) - least + 1
    if width > LARGEST // len(heads):
        return values[np.lexsort((values, group))]
    ordered = np.sort(group * width + (values - least))
    ordered -= group * width - least
    return ordered


def _heads(numbers: Integers) -> Integers:
    """Where a run of equal numbers begins."""
    return np.flatnonzero(np.append(True, numbers[1:] != numbers[:-1]))
