"""A part of a table replaced by whole files, also where a file has rows of the part and others.

A file that has both leaves the table; its other rows are written to files of their own, those of the windows before
the part and those after it. So a window of a day whose files have been put together costs the file that holds it once,
row group by row group, and the next time only itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.transaction import AddAction, RemoveAction

from common.contracts.types import Table
from common.lake.extent import Extent
from common.lake.streamed_file import StreamedFile
from common.lake.table_files import WINDOW
from common.lake.together import File, files_in_order
from common.storage.filesystems import subtree

ROWS_PER_READ = 1 << 16


class Replacement:
    """The files that leave a table for a part to be replaced, and those for the rows that they have besides.

    It serves all tries of a commit: what was written for one is there for the next one.
    """

    def __init__(self, location: str, table: Table, extent: Extent) -> None:
        self._location = location
        self._table = table
        self._extent = extent
        self._others: dict[str, list[AddAction]] = {}

    @property
    def made(self) -> list[AddAction]:
        """All files that were written, whether or not they were committed."""
        return [action for actions in self._others.values() for action in actions]

    def actions(self, delta: DeltaTable) -> list[AddAction | RemoveAction]:
        """What a commit to this version of the table has to do besides adding the new rows."""
        logged = pa.table(delta.get_add_actions(flatten=True))
        inside, cut = self._extent.files(logged)
        found: list[AddAction | RemoveAction] = [file.removed(is_change=True) for file in files_in_order(inside)]
        schema = pa.schema(delta.schema().to_arrow())
        for file in files_in_order(cut):
            if file.path not in self._others:
                self._others[file.path] = list(self._written(file, schema))
            found += [file.removed(is_change=True), *self._others[file.path]]
        return found

    def _written(self, file: File, schema: pa.Schema) -> Iterator[AddAction]:
        first, last = self._extent.ranges[WINDOW]
        columns = pa.schema([field for field in schema if field.name not in file.partition])
        sides: dict[str, StreamedFile] = {}
        try:
            with ExitStack() as opened:
                for rows in self._rows(file):
                    kept = {"before": pc.less(rows[WINDOW], first), "after": pc.greater(rows[WINDOW], last)}
                    for side, chosen in kept.items():
                        if pc.any(chosen, min_count=0).as_py():
                            if side not in sides:
                                path = f"{file.folder}/{uuid.uuid4().hex}.parquet"
                                made = StreamedFile(self._location, self._table, path, columns)
                                sides[side] = opened.enter_context(made)
                            sides[side].add(rows.filter(chosen))
        except BaseException:
            for made in sides.values():
                made.remove()
            raise
        for made in sides.values():
            yield made.action(file.partition, is_change=True)

    def _rows(self, file: File) -> Iterator[pa.Table]:
        with subtree(self._location).open_input_file(unquote(file.path)) as stream:
            for batch in pq.ParquetFile(stream).iter_batches(ROWS_PER_READ):
                yield pa.Table.from_batches([batch])
