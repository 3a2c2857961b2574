"""A file of a table to which rows are added part by part, so that a large one needs little memory."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake.transaction import AddAction

from common.contracts.types import Table
from common.lake.commits import now_millis
from common.lake.selection import with_columns
from common.lake.statistics import FileStatistics
from common.lake.table_files import HOST, SKIPPED_BY, by_host, parquet_writer, rows_of_group
from common.storage.filesystems import subtree

BYTES_AT_ONCE = 64 << 20
"""So many bytes of rows are held in memory, and written in order of their hosts."""


class StreamedFile:
    """A file at a path below the location of a table, which counts once its `action` is committed.

    As a context, it is complete after the block, and removed if the block fails.
    Columns of the schema that added rows lack, as those of older files do, are null.
    """

    def __init__(self, location: str, table: Table, path: str, schema: pa.Schema) -> None:
        self.path = path
        self._schema = schema
        self._statistics = FileStatistics(table, schema.names)
        self._held: list[pa.Table] = []
        self._bytes = 0
        self._folder = subtree(location)
        if not location.startswith("s3://"):
            self._folder.create_dir(path.rpartition("/")[0])
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> StreamedFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if kind is None:
                self._flush()
            if self._writer is not None:
                self._writer.close()
        except BaseException:
            self.remove()
            raise
        if kind is not None:
            self.remove()

    @property
    def rows(self) -> int:
        """How many rows were added."""
        return self._statistics.rows

    def add(self, rows: pa.Table) -> None:
        """Adds rows, after those that were added before."""
        rows = with_columns(rows, self._schema)
        self._statistics.add(rows)
        self._held.append(rows)
        self._bytes += rows.nbytes
        if self._bytes >= BYTES_AT_ONCE:
            self._flush()

    def action(self, partition: Mapping[str, str], *, is_change: bool) -> AddAction:
        """The file, when it is closed, as a commit adds it; readers of a table's changes see its rows if it is one."""
        size = self._folder.get_file_info(self.path).size
        return AddAction(self.path, size, dict(partition), now_millis(), is_change, self._statistics.to_json())

    def remove(self) -> None:
        """Removes the file."""
        with suppress(OSError):
            self._folder.delete_file(self.path)

    def _flush(self) -> None:
        rows = pa.concat_tables([self._schema.empty_table(), *self._held])
        rows = by_host(rows) if HOST in rows.column_names else rows  # a reader of some hosts skips row groups
        if self._writer is None:
            statistics = [name for name in rows.column_names if name in (*self._statistics.names, *SKIPPED_BY)]
            self._writer = parquet_writer(self.path, rows, self._folder, statistics)
        if len(rows):
            self._writer.write_table(rows, rows_of_group(rows))
        self._held, self._bytes = [], 0
