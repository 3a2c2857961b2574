"""Files of a table that have been written, and wait for the commit that makes them count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake.transaction import AddAction

from common.contracts.types import Table
from common.storage.filesystems import subtree


class Written(Protocol):
    """Rows that have been written to files; `committed` says that the table is known to have these files."""

    committed: bool

    @property
    def rows(self) -> pa.RecordBatchReader:
        """The rows, batch by batch."""
        ...


@dataclass
class WrittenFiles:
    """Files at the location of a table."""

    location: str
    table: Table
    actions: Sequence[AddAction]
    committed: bool = False

    @property
    def rows(self) -> pa.RecordBatchReader:
        """The rows, batch by batch."""
        schema = pa.schema([field.with_nullable(True) for field in self.table.arrow])
        return pa.RecordBatchReader.from_batches(schema, self._batches(schema))

    def _batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        folder = subtree(self.location)
        for action in self.actions:
            values = action.partition_values
            with folder.open_input_file(action.path) as file:
                for batch in pq.ParquetFile(file).iter_batches():
                    columns = [
                        pa.repeat(values[name], len(batch)) if name in values else batch.column(name)
                        for name in schema.names
                    ]
                    yield pa.RecordBatch.from_arrays(columns, schema=schema)
