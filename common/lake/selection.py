"""Rows that are wanted of a table: the files that may have them by what the log says, and what is read of each."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, reduce
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
"""Of a file, before those that are not wanted are left out: bounds the memory that a reader of few hosts needs."""
CODED = pa.dictionary(pa.int32(), pa.string())
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
        return cls(values, windows.bounds if windows else {})

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
        """Whether each text is wanted; every text of a dictionary is looked at once."""
        if not pa.types.is_dictionary(texts.type):
            return self._wanted(texts, column)
        masks = [self._wanted(chunk.dictionary, column).take(chunk.indices) for chunk in texts.chunks]
        return pa.chunked_array(masks, pa.bool_())

    def _wanted(self, texts: pa.Array | pa.ChunkedArray, column: str) -> pa.Array | pa.ChunkedArray:
        if column in self.values:
            return pc.is_in(texts, value_set=pa.array(self.values[column], pa.string()))
        first, last = self.ranges[column]
        return pc.and_(pc.greater_equal(texts, first), pc.less_equal(texts, last))


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

    def _of(self, file: ChosenFile, use_threads: bool = False) -> pa.Table:
        with self.folder.open_input_file(file.path) as stream:
            metadata = pq.read_metadata(stream)
            sought = {*self.schema.names, *file.unsure} - file.partition.keys()
            present = [name for name in metadata.schema.names if name in sought]
            parquet = pq.ParquetFile(
                stream,
                metadata=metadata,
                read_dictionary=[name for name in present if name in self._coded or name in file.unsure],
                pre_buffer=self.is_remote,
                coerce_int96_timestamp_unit="us",
            )
            groups = self._groups(metadata, file.unsure)
            parts = [self._kept(parquet.read_row_groups(some, present, use_threads=use_threads), file)
                     for some in pieces(groups, ROWS_AT_ONCE)]  # fmt: skip
        return pa.concat_tables([self.schema.empty_table(), *parts])

    def _kept(self, read: pa.Table, file: ChosenFile) -> pa.Table:
        """The wanted rows of what was read of a file, by the columns of the schema."""
        rows = self.selection.rows(read, [name for name in file.unsure if name in read.column_names])
        for name in self.schema.names:
            if name in file.partition:
                rows = rows.append_column(name, pa.repeat(file.partition[name], len(rows)))
        return self.hosts.of(with_columns(rows, self.schema))

    def _groups(self, metadata: pq.FileMetaData, unsure: Sequence[str]) -> dict[int, int]:
        """The row groups that may have wanted rows, with their numbers of rows."""
        bounds: dict[str, tuple[str, str | None]] = {name: self.selection.bounds(name) for name in unsure}
        if self.hosts != ALL_HOSTS:
            bounds[HOST] = self.hosts.bounds
        names = metadata.schema.names
        places = {names.index(name): held for name, held in bounds.items() if name in names}
        groups = enumerate(map(metadata.row_group, range(metadata.num_row_groups)))
        return {
            number: group.num_rows
            for number, group in groups
            if all(_meets(group.column(place).statistics, *held) for place, held in places.items())
        }


def with_columns(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """The rows with the columns of the schema; those that they lack, as older files do, are null."""
    held = dict(zip(rows.column_names, rows.columns, strict=True))
    columns = [_as(held[field.name], field.type) if field.name in held else _nulls(rows, field) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _as(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    return column if column.type == kind else column.cast(kind)


def _nulls(rows: pa.Table, field: pa.Field) -> pa.Array:
    return pa.nulls(len(rows), field.type)


def _meets(statistics: pq.Statistics | None, first: str, last: str | None) -> bool:
    """Whether texts with these statistics may lie in the range; without a last text, it has no end."""
    if statistics is None or not statistics.has_min_max:
        return True
    return statistics.max >= first and (last is None or statistics.min <= last)
