"""The rows of a table that a commit replaces: those of some windows, or with some values of partition columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    def predicate(self) -> str:
        """The SQL condition that selects its rows."""
        return " AND ".join(
            f"{name} >= {quoted(first)} AND {name} <= {quoted(last)}" for name, (first, last) in self.ranges.items()
        )

    def holds(self, delta: DeltaTable) -> bool:
        """Whether the table has no other rows, as far as its log says."""
        inside, _ = self._places(pa.table(delta.get_add_actions(flatten=True)))
        return bool(pc.all(pc.fill_null(inside, True), min_count=0).as_py())

    def files(self, logged: pa.Table) -> tuple[pa.Table, pa.Table]:
        """Of the files, as a log has them, those with rows of it alone, and those that may have others too."""
        inside, outside = (pc.fill_null(found, False) for found in self._places(logged))
        return logged.filter(inside), logged.filter(pc.invert(pc.or_(inside, outside)))

    def _places(self, logged: pa.Table) -> tuple[pa.Array, pa.Array]:
        """Whether each file lies inside, and whether it lies outside; null if the log does not say."""
        inside, outside = [], []
        for name, (first, last) in self.ranges.items():
            least, greatest = bound_of(logged, name, "min"), bound_of(logged, name, "max")
            inside.append(pc.and_kleene(pc.greater_equal(least, first), pc.less_equal(greatest, last)))
            outside.append(pc.or_kleene(pc.less(greatest, first), pc.greater(least, last)))
        return reduce(pc.and_kleene, inside), reduce(pc.or_kleene, outside)


def quoted(value: object) -> str:
    """The value as a text of SQL, in which quotes are doubled."""
    text = str(value).replace("'", "''")
    return f"'{text}'"


def among(column: str, values: Iterable[object]) -> str:
    """The SQL condition that a column has one of the values, at least one."""
    return f'"{column}" IN ({", ".join(map(quoted, values))})'


def equal_predicate(values: Mapping[str, str]) -> str:
    """The SQL condition that each column has its value; quotes in values are doubled."""
    return " AND ".join(f"{key} = {quoted(value)}" for key, value in values.items())


def any_predicate(partitions: Iterable[Mapping[str, str]]) -> str:
    """The SQL condition that one of the partitions has the columns' values."""
    return " OR ".join(f"({equal_predicate(values)})" for values in partitions)
