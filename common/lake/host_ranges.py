"""Ranges of hosts: how the work on a window is divided into parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.arrays import Integers

HOST = "host_ip"


@dataclass(frozen=True)
class HostRange:
    """The hosts whose text is `first` or comes after it, and before `last`; without a last one, all that follow."""

    first: str = ""
    last: str | None = None

    def may_have(self, bounds: tuple[str, str] | None) -> bool:
        """Whether rows with hosts between these two, both included, may have one; also if they are not known."""
        return bounds is None or (bounds[1] >= self.first and (self.last is None or bounds[0] < self.last))

    def of(self, rows: pa.Table) -> pa.Table:
        """The rows of these hosts."""
        if self == ALL_HOSTS:
            return rows
        return pa.concat_tables([rows.slice(0, 0), *(self._of(batch) for batch in rows.to_batches())])

    def _of(self, batch: pa.RecordBatch) -> pa.Table:
        hosts = batch.column(HOST)
        texts = hosts.dictionary if pa.types.is_dictionary(hosts.type) else hosts
        inside = pc.greater_equal(texts, self.first)
        if self.last is not None:
            inside = pc.and_(inside, pc.less(texts, self.last))
        if pc.all(inside, min_count=0).as_py():
            return pa.Table.from_batches([batch])
        mask = inside.take(hosts.indices) if pa.types.is_dictionary(hosts.type) else inside
        return pa.Table.from_batches([batch.filter(mask)])


ALL_HOSTS = HostRange()


@dataclass(frozen=True)
class Part:
    """Some hosts, and the number of the part."""

    number: int
    hosts: HostRange


def host_ranges(hosts: Sequence[str], weights: Integers, most: int) -> Iterator[HostRange]:
    """Ranges that together have all hosts, each of at most that weight, or of a single host.

    Args:
        hosts: sorted texts, each once.
        weights: what the work on each host costs, such as its rows.
        most: the weight of a range; they are made about equal.
    """
    total = int(weights.sum())
    parts = max(1, -(-total // most))
    before = np.cumsum(weights) - weights
    number = np.minimum(before * parts // max(total, 1), parts - 1)
    firsts = [hosts[place] for place in (np.flatnonzero(np.diff(number)) + 1).tolist()]
    for first, last in zip(["", *firsts], [*firsts, None], strict=True):
        yield HostRange(first, last)
