"""Prior maxima: the most that each host, and other hosts, did before in each group of traffic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from common.arrays import Floats, Integers
from common.detection.checked import MOST, damaged
from common.detection.pairs.evidence import KINDS, Evidence
from common.detection.parameters import PairParameters
from common.detection.registry.tensors import Arrays, of_texts, texts_in, vector

LEADERS_LEAST = 2  # what the second of the other hosts reached


@dataclass(frozen=True, eq=False)
class PriorMaxima:
    """The prior maximum of one quantity in each group, and the floor of each kind below which nothing counts.

    That of a row is the largest of the floor of its kind, what its own host reached in the group on any training day,
    and what the second of the other hosts reached there (the first, where there is only one). So one anomalous host
    among the others does not make its anomaly usual.

    `leaders` holds the highest hosts of each group, sorted by group, values falling; `own` what a host reached in a
    group where that is more than the floor and the others give it.
    """

    floors: Floats
    groups: pa.Array
    leader_hosts: pa.Array
    leaders: Floats
    leader_names: Integers
    own_keys: pa.Array
    own: Floats

    @classmethod
    def fit(
        cls,
        group: pa.Array,
        host: pa.Array,
        day: Integers,
        kind: Integers,
        kinds: int,
        values: Floats,
        parameters: PairParameters,
    ) -> tuple[PriorMaxima, Floats]:
        """The maxima of the rows, and that of each row as it would be without the row's own day."""
        floors = np.array([_quantile(values[kind == number], parameters.floor_quantile) for number in range(kinds)])
        groups, hosts = pc.dictionary_encode(group), pc.dictionary_encode(host)
        at, who = (np.asarray(part.indices, dtype=np.int64) for part in (groups, hosts))
        number, spans = len(groups.dictionary), len(hosts.dictionary)
        pair, own_row = np.unique(at * spans + who, return_inverse=True)
        days = int(day.max(initial=0)) + 1
        cell, cell_row = np.unique(own_row * days + day, return_inverse=True)
        reached = np.full(len(cell), -np.inf)
        np.maximum.at(reached, cell_row, values)
        best, rest, best_cell = _best_two(reached, cell // days, len(pair))
        group_of, host_of = pair // spans, pair % spans
        leaders, names = _leaders(best, group_of, host_of, number, parameters.leaders)
        others = _others(leaders, names, group_of, host_of)
        without = np.where(best_cell[own_row] == cell_row, rest[own_row], best[own_row])
        left_out = np.maximum.reduce([without, others[own_row], floors[kind]])
        kind_of = np.zeros(number, dtype=np.int64)
        kind_of[at] = kind
        matters = best > np.maximum(others, floors[kind_of[group_of]])
        keys = _key(
            groups.dictionary.take(pa.array(group_of[matters])), hosts.dictionary.take(pa.array(host_of[matters]))
        )
        return cls(floors, groups.dictionary, hosts.dictionary, leaders, names, keys, best[matters]), left_out

    def of(self, group: pa.Array, host: pa.Array, kind: Integers) -> Floats:
        """The prior maximum of each row, from its group, host and kind."""
        at = pc.index_in(group, value_set=self.groups)
        who = np.asarray(pc.fill_null(pc.index_in(host, value_set=self.leader_hosts), -1), dtype=np.int64)
        known = np.asarray(at.is_valid())
        place = np.asarray(pc.fill_null(at, 0), dtype=np.int64)
        if len(self.groups):
            others = np.where(known, _others(self.leaders, self.leader_names, place, who), -np.inf)
        else:
            others = np.full(len(group), -np.inf)
        own_at = pc.index_in(_key(group, host), value_set=self.own_keys)
        own_place = np.asarray(pc.fill_null(own_at, 0), dtype=np.int64)
        own = np.append(self.own, -np.inf)[np.where(np.asarray(own_at.is_valid()), own_place, len(self.own))]
        return np.asarray(np.maximum.reduce([own, others, self.floors[kind]]))

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """The maxima as arrays whose names begin with `name`; without `groups` and `leader_hosts`."""
        return {
            f"{name}.floors": self.floors,
            f"{name}.leaders": self.leaders,
            f"{name}.leader_names": self.leader_names,
            f"{name}.own": self.own,
            **of_texts(f"{name}.own_keys", self.own_keys),
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays, name: str, groups: pa.Array, leader_hosts: pa.Array) -> PriorMaxima:
        """The maxima that `arrays` gave, for all `KINDS`.

        Raises:
            ModelError: they are damaged.
        """
        floors, own = (vector(arrays, f"{name}.{part}", "<f8") for part in ("floors", "own"))
        leaders, names = (vector(arrays, f"{name}.{part}", kind, 2)
                          for part, kind in (("leaders", "<f8"), ("leader_names", "<i8")))  # fmt: skip
        own_keys = texts_in(arrays, f"{name}.own_keys")
        if (
            len(floors) != len(KINDS)
            or not (np.abs(floors) <= MOST).all()
            or len(own) != len(own_keys)
            or not (np.abs(own) <= MOST).all()
            or leaders.shape != names.shape
            or leaders.shape != (len(groups), max(leaders.shape[1], LEADERS_LEAST))
            or not ((np.abs(leaders) <= MOST) | np.isneginf(leaders)).all()
            or not ((names >= -1) & (names < len(leader_hosts))).all()
        ):
            raise damaged(name)
        return cls(floors, groups, leader_hosts, leaders, names, own_keys, own)


class CommonMaxima:
    """What a quorum of other hosts does in the same group and window: what many do at once is not an attack."""

    def __init__(self, evidence: Evidence, parameters: PairParameters) -> None:
        window = evidence.window
        span = int(np.ptp(window)) + 1 if len(window) else 1
        place = np.asarray(pc.dictionary_encode(evidence.group).indices, dtype=np.int64)
        self._at = np.unique(place * span + window - window.min(initial=2**40), return_inverse=True)[1].astype(np.int64)
        self._host, self._leaders = evidence.host, parameters.leaders
        self._hosts = int(self._host.max(initial=0)) + 1
        self._pair, self._row = np.unique(self._at * self._hosts + self._host, return_inverse=True)
        quorum = parameters.quorum(len(np.unique(self._host)))
        outbound = evidence.kind < KINDS.index("inbound")  # whom many contact does nothing itself
        met = np.bincount(self._pair // self._hosts)[self._at] if len(self._at) else np.zeros(0)
        self._common = (met >= quorum) & outbound

    def of(self, values: Floats) -> Floats:
        """For each row what the second of the other hosts reaches; -inf without a quorum, and for inbound rows."""
        best = np.full(len(self._pair), -np.inf)
        np.maximum.at(best, self._row, values)
        groups, count = self._pair // self._hosts, int(self._at.max(initial=-1)) + 1
        highest, names = _leaders(best, groups, self._pair % self._hosts, count, self._leaders)
        return np.where(self._common, _others(highest, names, self._at, self._host), -np.inf)


def _quantile(values: Floats, level: float) -> float:
    return float(np.quantile(values, level)) if len(values) else 0.0


def _key(group: pa.Array, host: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(group, host, "\t")


def _best_two(reached: Floats, owner: Integers, owners: int) -> tuple[Floats, Floats, Integers]:
    """The largest value of each owner, the second largest, and where the largest stands; the owners are sorted."""
    order = np.lexsort((-reached, owner))
    first = np.searchsorted(owner[order], np.arange(owners))
    second = np.minimum(first + 1, len(order) - 1)
    has_second = (first + 1 < len(order)) & (owner[order][second] == np.arange(owners))
    return reached[order][first], np.where(has_second, reached[order][second], -np.inf), order[first]


def _leaders(best: Floats, group: Integers, host: Integers, groups: int, count: int) -> tuple[Floats, Integers]:
    """The highest hosts of each group: values and host numbers of shape (groups, count); -inf and -1 for none."""
    order = np.lexsort((host, -best, group))
    first = np.searchsorted(group[order], np.arange(groups))
    place = first[:, None] + np.arange(count)
    inside = np.minimum(place, max(len(order) - 1, 0))
    there = (place < len(order)) & (group[order][inside] == np.arange(groups)[:, None])
    return np.where(there, best[order][inside], -np.inf), np.where(there, host[order][inside], -1)


def _others(leaders: Floats, names: Integers, group: Integers, host: Integers) -> Floats:
    """What the second of the other hosts reached in the group; the first where it is alone; -inf without any."""
    values, who = leaders[group], names[group]
    mine = (who == host[:, None]) & (host[:, None] >= 0)
    ordered = -np.sort(-np.where(mine, -np.inf, values), axis=1)
    return np.asarray(np.where(np.isfinite(ordered[:, 1]), ordered[:, 1], ordered[:, 0]))
