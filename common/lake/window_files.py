"""Files of a table that is partitioned by window, written from Arrow without an engine."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake.transaction import AddAction

from common.contracts.types import Table
from common.lake.lake import Lake
from common.lake.row_groups import by_number
from common.storage.filesystems import subtree
from common.windows import Windows

MOST_ROWS = 1 << 20
ROWS_PER_GROUP = 1 << 18


class WindowFiles:
    """Writes rows to files of a table, at least one for each window that has rows; they count once committed.

    Rows wait in memory until there are `MOST_ROWS`, which bounds both the memory and the number of files.
    """

    def __init__(self, lake: Lake, table: Table, windows: Windows) -> None:
        lake.ensure(table.name)
        self.actions: list[AddAction] = []
        self.rows = 0
        self._members = list(windows)
        self._names = [name for name in table.column_names if name not in table.partitions]
        self._is_remote = lake.is_remote
        self._folder = subtree(lake.location(table.name))
        self._pending: list[tuple[pa.Table, pa.Array]] = []
        self._waiting = 0

    def add(self, rows: pa.Table, slices: pa.ChunkedArray) -> None:
        """Adds rows, with the position of the window of each."""
        self._pending.append((rows.select(self._names), slices))
        self._waiting += len(rows)
        if self._waiting >= MOST_ROWS:
            self.flush()

    def flush(self) -> None:
        """Writes the rows that wait."""
        if self._waiting:
            rows = pa.concat_tables([part for part, _ in self._pending]).unify_dictionaries()
            slices = np.concatenate([numbers.to_numpy() for _, numbers in self._pending])
            for number, part in by_number(rows, slices):
                self._write(self._members[number], part)
        self.rows += self._waiting
        self._pending, self._waiting = [], 0

    def discard(self) -> None:
        """Removes the files that were written."""
        for action in self.actions:
            with suppress(OSError):
                self._folder.delete_file(action.path)

    def _write(self, window: Windows, rows: pa.Table) -> None:
        values = {"date": f"{window.start:%Y-%m-%d}", "window": window.key}
        folder = "/".join(f"{name}={value}" for name, value in values.items())
        path = f"{folder}/{uuid.uuid4().hex}.parquet"
        if not self._is_remote:
            self._folder.create_dir(folder)
        with pq.ParquetWriter(
            path,
            rows.schema,
            filesystem=self._folder,
            compression="zstd",
            compression_level=1,
            write_statistics=False,
            store_schema=False,
        ) as writer:
            writer.write_table(rows, ROWS_PER_GROUP)
        size, now = self._folder.get_file_info(path).size, round(datetime.now(UTC).timestamp() * 1000)
        self.actions.append(AddAction(path, size, values, now, True, f'{{"numRecords": {len(rows)}}}'))


@contextmanager
def window_files(lake: Lake, table: Table, windows: Windows) -> Iterator[WindowFiles]:
    """Files that are removed if the block fails."""
    files = WindowFiles(lake, table, windows)
    try:
        yield files
    except BaseException:
        files.discard()
        raise
