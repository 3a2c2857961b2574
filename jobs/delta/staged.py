"""What parsing leaves in files: sessions in the form of their table, and what there is besides."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake.transaction import AddAction

from common.lake.table_files import file_action, rows_of
from common.logs import Counts
from common.storage.filesystems import subtree
from common.windows import Windows


@dataclass
class RunCounts(Counts):
    """The counts of a run's records; those `outside` are of other windows than the run's."""

    outside: int = 0

    def include(self, others: Counts) -> None:
        """Adds the counts of other records."""
        super().include(others)
        self.outside += getattr(others, "outside", 0)

    def add_up(self) -> bool:
        """Whether every record has exactly one outcome."""
        return Counts.add_up(replace(self, read=self.read - self.outside))

    def of_records(self) -> dict[str, int]:
        """The numbers of records by name."""
        return super().of_records() | {"outside": self.outside}


@dataclass(frozen=True)
class StagedFile:
    """A file in the form of the table `sessions`, the records of which windows of the run count.

    Attributes:
        location: the folder in which the file lies as in that of the table.
        name: the path there.
        size: its bytes.
        stats: what the Delta log says of its values.
        windows: those of the run.
    """

    location: str
    name: str
    size: int
    stats: str
    windows: Windows

    @property
    def path(self) -> str:
        """Where the file is."""
        return f"{self.location}/{self.name}"

    @property
    def action(self) -> AddAction:
        """What a commit to the table adds, if the file is there."""
        return file_action(self.name, self.size, self.stats)

    @property
    def rows(self) -> int:
        """The number of rows."""
        return rows_of(self.action)


@dataclass(frozen=True)
class StagedPart:
    """The files of a part of the input, and its counts; all but the sessions are there only if they have rows."""

    counts: RunCounts
    sessions: tuple[StagedFile, ...]
    rejects: tuple[str, ...]
    opened: tuple[str, ...]
    ends: tuple[str, ...]


class ScratchFile:
    """A Parquet file that is made with its first rows."""

    def __init__(self, location: str, schema: pa.Schema) -> None:
        self.schema = schema
        self._location = location
        self._name = f"{uuid.uuid4().hex}.parquet"
        self._writer: pq.ParquetWriter | None = None

    @property
    def paths(self) -> tuple[str, ...]:
        """Where the file is, if it is there."""
        return (f"{self._location}/{self._name}",) if self._writer else ()

    def write(self, rows: pa.RecordBatch) -> None:
        """Adds rows."""
        if self._writer is None:
            self._writer = pq.ParquetWriter(
                self._name, self.schema, filesystem=subtree(self._location), compression="lz4"
            )
        self._writer.write_batch(rows)

    def close(self) -> None:
        """Completes the file."""
        if self._writer:
            self._writer.close()
