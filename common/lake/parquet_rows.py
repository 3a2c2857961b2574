"""Rows of a table from its Parquet files, each of which is read by itself."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from common.lake.host_ranges import ALL_HOSTS, HOST, HostRange
from common.lake.selection import ChosenFile, Selection

REMOTE_READS = 16
CODED = pa.dictionary(pa.int32(), pa.string())


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
                read_dictionary=[name for name in present if name in self._coded],
                pre_buffer=self.is_remote,
                coerce_int96_timestamp_unit="us",
            )
            groups = list(self._groups(metadata, file.unsure))
            read = parquet.read_row_groups(groups, present, use_threads=use_threads)
        rows = self.selection.rows(read, [name for name in file.unsure if name in present])
        for name in self.schema.names:
            if name in file.partition:
                rows = rows.append_column(name, pa.repeat(file.partition[name], len(rows)))
        return self.hosts.of(with_columns(rows, self.schema))

    def _groups(self, metadata: pq.FileMetaData, unsure: Sequence[str]) -> Iterator[int]:
        """The row groups that may have wanted rows."""
        bounds: dict[str, tuple[str, str | None]] = {name: self.selection.bounds(name) for name in unsure}
        if self.hosts != ALL_HOSTS:
            bounds[HOST] = self.hosts.bounds
        names = metadata.schema.names
        places = {names.index(name): held for name, held in bounds.items() if name in names}
        for number in range(metadata.num_row_groups):
            group = metadata.row_group(number)
            if all(_meets(group.column(place).statistics, *held) for place, held in places.items()):
                yield number


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
