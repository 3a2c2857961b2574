"""Files of a table, written from Arrow without an engine; they count once the lake has committed them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake.transaction import AddAction
from pyarrow import fs

from common.coded import compacted, encoded, ranks
from common.contracts.types import Table
from common.lake.commits import now_millis
from common.lake.statistics import FileStatistics
from common.lake.troubles import unwritable
from common.storage.filesystems import subtree

HOST, WINDOW, ARRIVAL, SCORE = "host_ip", "window", "arrival", "anomaly_score"
SKIPPED_BY = (HOST, WINDOW, ARRIVAL, SCORE)
"""Columns by which readers leave out row groups: rows are in their order, or few of them have high values."""
VALUES_PER_GROUP = 4_000_000
FEWEST_ROWS, MOST_ROWS = 4_096, 1 << 16
"""Of a row group: few, so that who reads some of the hosts decodes few rows of others."""
LONG_TEXT_BYTES = 500
ROWS_WITH_LONG_TEXT = 512
"""Of a row group, if the texts of a column are so long on average: who wants a few rows reads few of the others'."""
DICTIONARY_BYTES = 4 << 20
"""Enough for a different text in each row of a group."""

ROWS_LOOKED_AT = 4_096
"""To see whether a column of numbers has few different ones."""

FILES_SCHEMA = pa.schema([("path", pa.string()), ("size", pa.int64()), ("stats", pa.string())])


class TableFiles:
    """Writes files of the table at a location; `actions` are what a commit adds, `rows` how many they have.

    Texts are written with a dictionary, but those of the `plain` columns, nearly all of which are different.
    """

    def __init__(self, location: str, table: Table, plain: Collection[str] = ()) -> None:
        self.actions: list[AddAction] = []
        self.rows = 0
        self.table = table
        self.plain = plain
        self.names = [name for name in table.column_names if name not in table.partitions]
        self._lake_uri = location.removesuffix(f"/{table.name}")
        self._is_remote = location.startswith("s3://")
        self._folder = subtree(location)

    def write(self, rows: pa.Table, partition: Mapping[str, str]) -> None:
        """Writes the rows of a partition to a file; those of a table of hosts by host, else in their order.

        Raises:
            CommitError: the file cannot be written; nothing is left of it.
        """
        rows = rows.select(self.names)
        if HOST in self.names:
            rows = by_host(rows)
        group = rows_of_group(rows)
        rows = with_own_texts(rows, min(group, len(rows)) // 2)
        path = f"{'/'.join(f'{name}={value}' for name, value in partition.items())}/{uuid.uuid4().hex}.parquet"
        try:
            self._write(path, rows, group)
        except OSError as error:
            with suppress(OSError):
                self._folder.delete_file(path)
            raise unwritable(self.table.name, self._lake_uri, error) from error
        self.actions.append(file_action(path, self._folder.get_file_info(path).size, self._statistics(rows)))
        self.rows += len(rows)

    def copy(self, location: str, file: AddAction) -> None:
        """Adds a copy of a file that was written for the same table at another location.

        Raises:
            CommitError: the copy cannot be written; nothing is left of it.
        """
        try:
            if not self._is_remote:
                self._folder.create_dir(file.path.rpartition("/")[0])
            fs.copy_files(
                file.path, file.path, source_filesystem=subtree(location), destination_filesystem=self._folder
            )
        except OSError as error:
            with suppress(OSError):
                self._folder.delete_file(file.path)
            raise unwritable(self.table.name, self._lake_uri, error) from error
        self.actions.append(file)
        self.rows += rows_of(file)

    def _statistics(self, rows: pa.Table) -> str:
        found = FileStatistics(self.table, self.names)
        found.add(rows)
        return found.to_json()

    def _write(self, path: str, rows: pa.Table, group: int) -> None:
        if not self._is_remote:
            self._folder.create_dir(path.rpartition("/")[0])
        statistics = [name for name in SKIPPED_BY if name in self.names]
        with parquet_writer(path, rows, self._folder, statistics, self.plain) as writer:
            writer.write_table(rows, group)


def parquet_writer(
    path: str, rows: pa.Table, folder: fs.FileSystem, statistics: Collection[str], plain: Collection[str] = ()
) -> pq.ParquetWriter:
    """A writer of a file of a table below its folder that begins with these rows; other columns have no statistics.

    Texts have a dictionary, but those of the `plain` columns; numbers have one where the first rows have few different
    ones, and others are written as differences if they are whole.
    """
    numbers = {field.name: field.type for field in rows.schema if _is_number(field.type)}
    few = {name for name in numbers if _has_few_values(rows[name])}
    texts = {field.name for field in rows.schema if _is_text(field.type) and field.name not in plain}
    whole = [name for name, kind in numbers.items() if not pa.types.is_floating(kind) and name not in few]
    return pq.ParquetWriter(
        path,
        rows.schema,
        filesystem=folder,
        compression="zstd",
        compression_level=1,
        use_dictionary=[*texts, *few],
        column_encoding=dict.fromkeys(whole, "DELTA_BINARY_PACKED"),
        dictionary_pagesize_limit=DICTIONARY_BYTES,
        write_statistics=list(statistics) or False,
        store_schema=False,
    )


def rows_of_group(rows: pa.Table) -> int:
    """How many of the rows to put into a row group.

    Of a wide table, groups are about equal: what a file says of a small last one takes as long to read as of any other.
    """
    texts = (column for column in rows.columns if pa.types.is_string(column.type))
    if any(column.nbytes >= LONG_TEXT_BYTES * max(len(rows), 1) for column in texts):
        return ROWS_WITH_LONG_TEXT
    if (size := VALUES_PER_GROUP // len(rows.columns)) >= FEWEST_ROWS:
        return min(MOST_ROWS, size)
    groups = max(1, round(len(rows) / FEWEST_ROWS))
    return max(FEWEST_ROWS, -(-len(rows) // groups))


def discard(folder: fs.FileSystem, files: Iterable[AddAction]) -> None:
    """Removes files of the table in this folder."""
    for action in files:
        with suppress(OSError):
            folder.delete_file(action.path)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_dictionary(kind))


def _is_number(kind: pa.DataType) -> bool:
    """Whether values are numbers or times, of 32 or 64 bits."""
    return kind in (pa.int32(), pa.int64(), pa.float64()) or bool(pa.types.is_timestamp(kind))


def _has_few_values(column: pa.ChunkedArray) -> bool:
    """Whether each value occurs several times in the first rows, on average."""
    first = column.slice(0, ROWS_LOOKED_AT)
    return bool(len(first) >= 4 * pc.count_distinct(first).as_py())


def with_own_texts(rows: pa.Table, most: int) -> pa.Table:
    """The rows, with dictionaries of their own texts: of others, the file would have texts of rows that it has not.

    Columns of more than `most` texts are plain: the writer would write the dictionary for each group.
    """
    for place, field in enumerate(rows.schema):
        if pa.types.is_dictionary(field.type):
            column = compacted(encoded(rows.column(place)))
            if len(column.dictionary) > most:
                column = column.cast(field.type.value_type)
            rows = rows.set_column(place, field.name, column)
    return rows


def by_host(rows: pa.Table) -> pa.Table:
    """The rows in order of their hosts, and of one host in their order."""
    hosts = rows[HOST].combine_chunks()
    encoded = hosts if pa.types.is_dictionary(hosts.type) else hosts.dictionary_encode()
    place = ranks(encoded.dictionary)[np.asarray(encoded.indices)]
    return rows if (np.diff(place) >= 0).all() else rows.take(pa.array(np.argsort(place, kind="stable")))


def as_rows(actions: Sequence[AddAction]) -> pa.Table:
    """The files as rows, which workers hand to the driver."""
    rows = [{"path": action.path, "size": action.size, "stats": action.stats} for action in actions]
    return pa.Table.from_pylist(rows, FILES_SCHEMA)


def from_rows(rows: pa.Table) -> list[AddAction]:
    """The files that `as_rows` gave."""
    return [file_action(**row) for row in rows.select(FILES_SCHEMA.names).to_pylist()]


def rows_of(action: AddAction) -> int:
    """The number of rows of a file."""
    return int(json.loads(action.stats)["numRecords"])


def file_action(path: str, size: int, stats: str) -> AddAction:
    """What a commit adds for a file at this path in the folder of the table."""
    values = dict(part.split("=") for part in path.split("/")[:-1])
    return AddAction(path, size, values, now_millis(), True, stats)
