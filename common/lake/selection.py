"""Rows that are wanted of a table, and the files that may have them by what the log says."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc

from common.windows import Windows

PARTITION = "partition."
"""Begins the columns of a table of files that have values of partition columns."""
Texts = tuple[str, ...]
Bounds = tuple[str, str]


@dataclass(frozen=True)
class ChosenFile:
    """A file that may have wanted rows: its path below the table, and its values of partition columns.

    Of the columns in `unsure`, the log does not say that all rows are wanted.
    """

    path: str
    partition: Mapping[str, str]
    unsure: Texts


@dataclass(frozen=True)
class Selection:
    """The rows whose texts are among those of `values` by column, and lie in `ranges`, both ends included."""

    values: Mapping[str, Texts]
    ranges: Mapping[str, Bounds]

    @classmethod
    def of(cls, equal: Mapping[str, str | Collection[str]], windows: Windows | None = None) -> Selection:
        """The rows with the given value, or one of the values, of some columns; of the windows, if there are any."""
        values = {name: (held,) if isinstance(held, str) else tuple(sorted(held)) for name, held in equal.items()}
        return cls(values, window_ranges(windows) if windows else {})

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it is about."""
        return (*self.values, *self.ranges)

    def bounds(self, column: str) -> Bounds:
        """The first and the last text that is wanted of a column; of no text, bounds between which there is none."""
        if column in self.ranges:
            return self.ranges[column]
        values = self.values[column]
        return (values[0], values[-1]) if values else ("\U0010ffff", "")

    def files(self, logged: pa.Table) -> Iterator[ChosenFile]:
        """Those of the files, as `LakeReader.files` has them, that may have wanted rows."""
        possible, sure = [pa.repeat(True, len(logged))], {}
        for column in self.columns:
            least, greatest = bound_of(logged, column, "min"), bound_of(logged, column, "max")
            first, last = self.bounds(column)
            apart = pc.or_kleene(pc.less(greatest, first), pc.greater(least, last))
            sure[column] = pc.and_kleene(pc.greater_equal(least, first), pc.less_equal(greatest, last))
            if column in self.values:
                is_one = pc.equal(least, greatest)
                is_held = pc.is_in(least, value_set=pa.array(self.values[column], pa.string()))
                sure[column] = pc.and_kleene(is_one, is_held)
                apart = pc.or_kleene(apart, pc.and_kleene(is_one, pc.invert(is_held)))
            possible.append(pc.invert(pc.fill_null(apart, False)))
        chosen = reduce(pc.and_, possible)
        partitions = [name for name in logged.column_names if name.startswith(PARTITION)]
        rows = logged.select(["path", *partitions]).filter(chosen).to_pylist()
        known = [pc.fill_null(one, False).filter(chosen).to_pylist() for one in sure.values()]
        for number, row in enumerate(rows):
            unsure = tuple(column for column, flags in zip(sure, known, strict=True) if not flags[number])
            yield ChosenFile(unquote(row.pop("path")), {key.removeprefix(PARTITION): row[key] for key in row}, unsure)

    def rows(self, rows: pa.Table, columns: Collection[str]) -> pa.Table:
        """The wanted rows, by these columns."""
        masks = [self._mask(rows[column], column) for column in columns]
        return rows.filter(reduce(pc.and_, masks)) if masks else rows

    def _mask(self, texts: pa.ChunkedArray, column: str) -> pa.ChunkedArray:
        if column in self.values:
            return pc.is_in(texts.cast(pa.string()), value_set=pa.array(self.values[column], pa.string()))
        first, last = self.ranges[column]
        plain = texts.cast(pa.string())
        return pc.and_(pc.greater_equal(plain, first), pc.less_equal(plain, last))


def window_ranges(windows: Windows) -> dict[str, Bounds]:
    """The first and the last date and window."""
    days = windows.days()
    return {"date": (f"{days[0]}", f"{days[-1]}"), "window": (windows.key, windows.last_key)}


def bound_of(logged: pa.Table, column: str, side: str) -> pa.ChunkedArray:
    """The least or the greatest text of a column in each file; null if the log does not say."""
    for name in (f"{PARTITION}{column}", f"{side}.{column}"):
        if name in logged.column_names:
            return logged[name].cast(pa.string())
    return pa.chunked_array([pa.nulls(len(logged), pa.string())])
