"""The rows of a table that a commit replaces: those of some windows, or with some values of partition columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from common.lake.selection import bound_of
from common.windows import Windows

Part = Windows | Mapping[str, str]
"""Windows, or the values of partition columns."""


@dataclass(frozen=True)
class Extent:
    """The rows whose texts in some columns lie in `ranges`, by column: the first and the last text, both included."""

    ranges: Mapping[str, tuple[str, str]]

    @classmethod
    def of(cls, part: Part) -> Extent:
        """The rows of the part."""
        if isinstance(part, Windows):
            return cls(part.bounds)
        return cls({name: (value, value) for name, value in part.items()})

    @property
    def filters(self) -> list[tuple[str, str, str]]:
        """The conditions that select its rows, in the form of deltalake."""
        bounds = [(name, first, last) for name, (first, last) in self.ranges.items()]
        return [one for name, first, last in bounds for one in ((name, ">=", first), (name, "<=", last))]

    @property
    def predicate(self) -> str:
        """The SQL condition that selects its rows."""
        return " AND ".join(f"{name} {sign} {quoted(value)}" for name, sign, value in self.filters)

    def holds(self, delta: DeltaTable) -> bool:
        """Whether the table has no other rows, as far as its log says."""
        inside, _ = self._files(delta)
        return bool(pc.all(pc.fill_null(inside, True), min_count=0).as_py())

    def cuts(self, delta: DeltaTable) -> bool:
        """Whether a file of the table has both rows of it and others, or the log does not say."""
        whole = pc.or_(*(pc.fill_null(found, False) for found in self._files(delta)))
        return bool(pc.any(pc.invert(whole), min_count=0).as_py())

    def _files(self, delta: DeltaTable) -> tuple[pa.Array, pa.Array]:
        """Whether each file of the table lies inside, and whether it lies outside; null if the log does not say."""
        files = pa.table(delta.get_add_actions(flatten=True))
        inside, outside = [], []
        for name, (first, last) in self.ranges.items():
            least, greatest = bound_of(files, name, "min"), bound_of(files, name, "max")
            inside.append(pc.and_kleene(pc.greater_equal(least, first), pc.less_equal(greatest, last)))
            outside.append(pc.or_kleene(pc.less(greatest, first), pc.greater(least, last)))
        return reduce(pc.and_kleene, inside), reduce(pc.or_kleene, outside)


def quoted(value: object) -> str:
    """The value as a text of SQL, in which quotes are doubled."""
    text = str(value).replace("'", "''")
    return f"'{text}'"
