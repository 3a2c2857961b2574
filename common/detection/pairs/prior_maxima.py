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
from common.detection.pairs.common_maxima import LEADERS_LEAST, highest, of_others
from common.detection.pairs.contacts import places
from common.detection.pairs.evidence import KINDS, Coded
from common.detection.parameters import PairParameters
from common.detection.registry.tensors import Arrays, of_texts, texts_in, vector


@dataclass(frozen=True, eq=False)
class Cells:
    """What rows have in common: `pair` is each group with each of its hosts, `cell` each of these on each day.

    Both are sorted; `of_row` has the place of each row there. `pair` counts as group x hosts + host.
    """

    group: Coded
    host: Coded
    pair: Integers
    pair_of_row: Integers
    pair_of_cell: Integers
    cell_of_row: Integers

    @classmethod
    def of(cls, group: Coded, host: Coded, day: Integers) -> Cells:
        """The cells of rows."""
        pair, pair_of_row = np.unique(group.numbers * len(host.texts) + host.numbers, return_inverse=True)
        days = int(day.max(initial=0)) + 1
        cell, cell_of_row = np.unique(pair_of_row * days + day, return_inverse=True)
        return cls(group, host, pair, pair_of_row, cell // days, cell_of_row)

    @property
    def group_and_host(self) -> tuple[Integers, Integers]:
        """The numbers of the group and the host of each pair."""
        return self.pair // len(self.host.texts), self.pair % len(self.host.texts)


@dataclass(frozen=True, eq=False)
class PriorMaxima:
    """The prior maximum of one quantity in each group, and the floor of each kind below which nothing counts.

    That of a row is the largest of the floor of its kind, what its own host reached in the group on any training day,
    and what the second of the other hosts reached there (the first, where there is only one). So one anomalous host
    among the others does not make its anomaly usual.

    `leaders` holds the highest hosts of each group, sorted by group, values falling; `own` what a host reached in a
    group where that is more than the floor and the others give it, by the rising `own_pairs`, group x hosts + host.
    """

    floors: Floats
    groups: pa.Array
    leader_hosts: pa.Array
    leaders: Floats
    leader_names: Integers
    own_pairs: Integers
    own: Floats

    @classmethod
    def fit(
        cls, cells: Cells, kind: Integers, kinds: int, values: Floats, parameters: PairParameters
    ) -> tuple[PriorMaxima, Floats]:
        """The maxima of the rows, and that of each row as it would be without the row's own day."""
        floors = np.array([_quantile(values[kind == number], parameters.floor_quantile) for number in range(kinds)])
        reached = np.full(len(cells.pair_of_cell), -np.inf)
        np.maximum.at(reached, cells.cell_of_row, values)
        best, rest, best_cell = _best_two(reached, cells.pair_of_cell, len(cells.pair))
        group_of, host_of = cells.group_and_host
        number = len(cells.group.texts)
        leaders, names = highest(best, group_of, host_of, number, parameters.leaders)
        others = of_others(leaders, names, group_of, host_of)
        without = np.where(
            best_cell[cells.pair_of_row] == cells.cell_of_row, rest[cells.pair_of_row], best[cells.pair_of_row]
        )
        left_out = np.maximum.reduce([without, others[cells.pair_of_row], floors[kind]])
        kind_of = np.zeros(number, dtype=np.int64)
        kind_of[cells.group.numbers] = kind
        matters = best > np.maximum(others, floors[kind_of[group_of]])
        texts = cells.group.texts, cells.host.texts
        return cls(floors, *texts, leaders, names, cells.pair[matters], best[matters]), left_out

    def places(self, group: Coded, host: Coded) -> tuple[Integers, Integers]:
        """The numbers of the rows' groups and hosts here, -1 for others: the same for all quantities of a model."""
        found = (
            np.asarray(pc.fill_null(pc.index_in(coded.texts, value_set=known), -1), dtype=np.int64)[coded.numbers]
            for coded, known in ((group, self.groups), (host, self.leader_hosts))
        )
        return next(found), next(found)

    def of(self, group: Integers, host: Integers, kind: Integers) -> Floats:
        """The prior maximum of each row, from its group and host as `places` gives them, and its kind."""
        found = self.floors[kind]
        known = np.flatnonzero(group >= 0)
        group, host = group[known], host[known]
        others = of_others(self.leaders, self.leader_names, group, host)
        place, is_own = places(self.own_pairs, np.where(host >= 0, group * len(self.leader_hosts) + host, -1))
        own = np.where(is_own, np.append(self.own, -np.inf)[place], -np.inf)
        found[known] = np.maximum.reduce([found[known], own, others])
        return found

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """The maxima as arrays whose names begin with `name`; without `groups` and `leader_hosts`."""
        return {
            f"{name}.floors": self.floors,
            f"{name}.leaders": self.leaders,
            f"{name}.leader_names": self.leader_names,
            f"{name}.own": self.own,
            **of_texts(f"{name}.own_keys", self._own_keys()),
        }

    def _own_keys(self) -> pa.Array:
        """The texts of group and host of each of `own_pairs`, with a tab between them."""
        group, host = np.divmod(self.own_pairs, max(len(self.leader_hosts), 1))
        return pc.binary_join_element_wise(
            self.groups.take(pa.array(group)), self.leader_hosts.take(pa.array(host)), "\t"
        )

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
            or not (leaders[:, 1:] <= leaders[:, :-1]).all()
            or not ((names >= -1) & (names < len(leader_hosts))).all()
        ):
            raise damaged(name)
        own_pairs = _pairs(own_keys, groups, leader_hosts)
        if (own_pairs < 0).any() or not (np.diff(own_pairs) > 0).all():
            raise damaged(name)
        return cls(floors, groups, leader_hosts, leaders, names, own_pairs, own)


def _quantile(values: Floats, level: float) -> float:
    return float(np.quantile(values, level)) if len(values) else 0.0


def _pairs(keys: pa.Array, groups: pa.Array, hosts: pa.Array) -> Integers:
    """The number group x hosts + host of each text of both; -1 for one of another group or host."""
    parts = pc.split_pattern(keys, "\t", max_splits=1, reverse=True)
    if not pc.all(pc.equal(pc.list_value_length(parts), 2), min_count=0).as_py():
        return np.full(len(keys), -1)
    group, host = (
        np.asarray(pc.fill_null(pc.index_in(pc.list_element(parts, place), value_set=known), -1), dtype=np.int64)
        for place, known in enumerate((groups, hosts))
    )
    return np.where((group < 0) | (host < 0), -1, group * len(hosts) + host)


def _best_two(reached: Floats, owner: Integers, owners: int) -> tuple[Floats, Floats, Integers]:
    """The largest value of each owner, the second largest, and where the largest stands; the owners are sorted."""
    order = np.lexsort((-reached, owner))
    first = np.searchsorted(owner[order], np.arange(owners))
    second = np.minimum(first + 1, len(order) - 1)
    has_second = (first + 1 < len(order)) & (owner[order][second] == np.arange(owners))
    return reached[order][first], np.where(has_second, reached[order][second], -np.inf), order[first]
