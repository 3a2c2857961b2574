"""Rows that are wanted of a table: the files that may have them by what the log says, and what is read of each."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property, partial, reduce
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import fs

from common.lake.host_ranges import ALL_HOSTS, HOST, HostRange
from common.lake.pieces import pieces
from common.windows import Windows

REMOTE_READS = 16
ROWS_AT_ONCE = 1 << 18
"""Of a file, before those of other hosts are left out: bounds the memory that a reader of few hosts needs."""
COLUMNS_AT_ONCE = 8
"""Of a row group, before the rows that are not wanted are left out: bounds what few rows of wide tables need."""
CODED = pa.dictionary(pa.int32(), pa.string())
PARTITION = "partition."
"""Begins the columns of a table of files that have values of partition columns."""
Texts = tuple[str, ...]
Bounds = tuple[str, str]
Between = tuple[float, float]


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
    """The rows whose texts are among those of `values` by column, and lie in `ranges`; both ends are included.

    Numbers of the columns of `numbers` lie between those two, which are included, too.
    """

    values: Mapping[str, Texts]
    ranges: Mapping[str, Bounds]
    numbers: Mapping[str, Between] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        equal: Mapping[str, str | Collection[str]],
        windows: Windows | None = None,
        numbers: Mapping[str, Between] | None = None,
    ) -> Selection:
        """The rows with the given value, or one of the values, of some columns; of the windows, if there are any."""
        values = {name: (held,) if isinstance(held, str) else tuple(sorted(held)) for name, held in equal.items()}
        return cls(values, windows.bounds if windows else {}, numbers or {})

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of text that it is about."""
        return (*self.values, *self.ranges)

    def bounds(self, column: str) -> tuple[Any, Any]:
        """The least and the greatest value that is wanted of a column; of no text, two between which there is none."""
        if column in self.numbers:
            return self.numbers[column]
        if column in self.ranges:
            return self.ranges[column]
        values = self.values[column]
        return (values[0], values[-1]) if values else ("\U0010ffff", "")

    def may_have(self, column: str, least: Any, greatest: Any) -> bool:
        """Whether a wanted value of a column may lie between these two."""
        if column in self.values:
            texts = self.values[column]
            place = bisect_left(texts, least)
            return place < len(texts) and texts[place] <= greatest
        first, last = self.bounds(column)
        return bool(first <= greatest and least <= last)

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

    def mask(self, rows: pa.Table) -> pa.ChunkedArray:
        """Whether each of the rows, which have only columns that it is about, is wanted; null where a value is null."""
        masks = [_chunkwise(rows[name], partial(self._is_wanted, name)) for name in rows.column_names]
        return reduce(pc.and_, masks)

    def _is_wanted(self, column: str, values: pa.Array) -> pa.Array:
        if column in self.values:
            return pc.is_in(values, value_set=pa.array(self.values[column], pa.string()))
        least, greatest = self.numbers[column] if column in self.numbers else self.ranges[column]
        return pc.and_(pc.greater_equal(values, least), pc.less_equal(values, greatest))


def _chunkwise(column: pa.ChunkedArray, test: Callable[[pa.Array], pa.Array]) -> pa.ChunkedArray:
    """What a test says of the values; of a dictionary, each text is tested once."""
    return pa.chunked_array(
        [
            test(chunk.dictionary).take(chunk.indices) if pa.types.is_dictionary(chunk.type) else test(chunk)
            for chunk in column.chunks
        ],
        pa.bool_(),
    )


def bound_of(logged: pa.Table, column: str, side: str) -> pa.ChunkedArray:
    """The least or the greatest text of a column in each file; null if the log does not say."""
    for name in (f"{PARTITION}{column}", f"{side}.{column}"):
        if name in logged.column_names:
            return logged[name].cast(pa.string())
    return pa.chunked_array([pa.nulls(len(logged), pa.string())])


@dataclass(frozen=True)
class ParquetRows:
    """How files below a folder are read: the columns of the result, and which rows it has.

    Columns that a file lacks are null. Texts of columns that are dictionaries in the schema come as such.
    """

    folder: fs.FileSystem
    schema: pa.Schema
    selection: Selection
    hosts: HostRange = ALL_HOSTS
    is_remote: bool = False

    @cached_property
    def _coded(self) -> frozenset[str]:
        return frozenset(field.name for field in self.schema if pa.types.is_dictionary(field.type))

    def of(self, files: Sequence[ChosenFile]) -> pa.Table:
        """The rows of the files, in their order."""
        if len(files) < 2:
            parts = [self._of(file, use_threads=True) for file in files]
        else:
            with ThreadPoolExecutor(REMOTE_READS if self.is_remote else os.cpu_count() or 1) as pool:
                parts = list(pool.map(self._of, files))
        return pa.concat_tables([self.schema.empty_table(), *parts])

    def by_piece(self, file: ChosenFile) -> Iterator[pa.Table]:
        """The rows of a file, those of a row group or a few at a time."""
        yield from self._parts(file, use_threads=False)

    def _of(self, file: ChosenFile, use_threads: bool = False) -> pa.Table:
        return pa.concat_tables([self.schema.empty_table(), *self._parts(file, use_threads)])

    def _parts(self, file: ChosenFile, use_threads: bool) -> Iterator[pa.Table]:
        with self.folder.open_input_file(file.path) as stream:
            parquet = self._opened(stream, {*file.unsure, *self._coded} - {*file.partition})
            metadata = parquet.metadata
            held = set(metadata.schema.names)
            deciding = sorted({*file.unsure, *self.selection.numbers} & held)
            others = sorted({*self.schema.names} & held - {*deciding, *file.partition})
            groups = self._groups(metadata, deciding)
            for some in pieces(groups, ROWS_AT_ONCE):
                if deciding:
                    sizes = {group: groups[group] for group in some}
                    found = self._of_groups(parquet, sizes, deciding, others, use_threads)
                else:
                    found = iter([parquet.read_row_groups(some, others, use_threads=use_threads)])
                for rows in found:
                    yield self._kept(rows, file)

    def _opened(self, stream: pa.NativeFile, texts: set[str]) -> pq.ParquetFile:
        """A file whose texts, as far as it has them, are read as dictionaries; its footer, which may be large, once."""
        opened = partial(pq.ParquetFile, stream, pre_buffer=self.is_remote, coerce_int96_timestamp_unit="us")
        try:
            return opened(read_dictionary=sorted(texts))
        except KeyError:  # an older file lacks one of them
            metadata = pq.read_metadata(stream)
            return opened(metadata=metadata, read_dictionary=sorted(texts & {*metadata.schema.names}))

    def _kept(self, rows: pa.Table, file: ChosenFile) -> pa.Table:
        """The rows of wanted hosts, by the columns of the schema."""
        for name in self.schema.names:
            if name in file.partition:
                rows = rows.append_column(name, pa.repeat(file.partition[name], len(rows)))
        return self.hosts.of(with_columns(rows, self.schema))

    def _of_groups(
        self,
        parquet: pq.ParquetFile,
        sizes: Mapping[int, int],
        deciding: list[str],
        others: list[str],
        use_threads: bool,
    ) -> Iterator[pa.Table]:
        """The wanted rows of each of some row groups, of so many rows.

        Of a group without any, the columns that do not decide are not read.
        """
        rows = parquet.read_row_groups([*sizes], deciding, use_threads=use_threads)
        mask, begin = self.selection.mask(rows), 0
        for group, size in sizes.items():
            wanted = mask.slice(begin, size)
            if pc.any(wanted, min_count=0).as_py():
                parts = [rows.slice(begin, size).filter(wanted)]
                for first in range(0, len(others), COLUMNS_AT_ONCE):
                    some = others[first : first + COLUMNS_AT_ONCE]
                    parts.append(parquet.read_row_group(group, some, use_threads=use_threads).filter(wanted))
                columns = [column for part in parts for column in part.columns]
                yield pa.Table.from_arrays(columns, [name for part in parts for name in part.column_names])
            begin += size

    def _groups(self, metadata: pq.FileMetaData, deciding: Sequence[str]) -> dict[int, int]:
        """The row groups that may have wanted rows of wanted hosts, by their statistics, with their numbers of rows."""
        places = {name: number for number, name in enumerate(metadata.schema.names) if name in {*deciding, HOST}}
        found = {}
        for number in range(metadata.num_row_groups):
            group = metadata.row_group(number)
            bounds = {name: _bounds(group.column(place).statistics) for name, place in places.items()}
            if self.hosts.may_have(bounds.get(HOST)) and all(
                held is None or self.selection.may_have(name, *held)
                for name, held in bounds.items()
                if name in deciding
            ):
                found[number] = group.num_rows
        return found


def _bounds(statistics: pq.Statistics | None) -> tuple[Any, Any] | None:
    """The least and the greatest value of a column of a row group; None if the file does not say."""
    return (statistics.min, statistics.max) if statistics is not None and statistics.has_min_max else None


def with_columns(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """The rows with the columns of the schema; those that they lack, as older files do, are null."""
    if rows.schema.equals(schema):
        return rows
    held = dict(zip(rows.column_names, rows.columns, strict=True))
    columns = [_as(held[field.name], field.type) if field.name in held else _nulls(rows, field) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _as(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    return column if column.type == kind else column.cast(kind)


def _nulls(rows: pa.Table, field: pa.Field) -> pa.Array:
    return pa.nulls(len(rows), field.type)
