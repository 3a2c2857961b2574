"""Writes one Parquet file of the clean zone from its spans of files of the archive."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from common.c360.csv_rows import InvalidFileError
from common.c360.datasets import DATASETS
from common.c360.manifest import ParquetFile
from common.c360.rows import Rows, rows_of
from common.logs.blocks import newlines
from common.logs.packing import Damage
from common.ndjson.sources import opened, pieces_of
from common.ndjson.spans import Span
from common.storage.files import Folder
from jobs.c360_clean.transform import Provenance, cleaned

ROWS = 128 * 1024
"""Rows of a group in a Parquet file."""

EXAMPLES = 5
REPEATED = frozenset({
    "event_type", "device_type", "network_type", "old_plan_id", "new_plan_id", "plan_id", "customer_id", "gender",
    "state", "country", "registration_channel", "status", "currency", "plan_category", "source_file",
})  # fmt: skip
"""Columns of which Parquet keeps each text once."""


@dataclass(frozen=True)
class CleanSpan:
    """Lines of a file of the archive: its name there, when it was delivered, and the number of the first line."""

    span: Span
    name: str
    file_time: datetime
    first_line: int = 1


@dataclass(frozen=True)
class PartTask:
    """A Parquet file to write to this folder below the clean zone."""

    part: int
    dataset: str
    spans: Sequence[CleanSpan]
    clean_uri: str
    folder: str


@dataclass
class SpanCount:
    """What became of the rows of a span of this file."""

    index: int
    read: int = 0
    kept: int = 0
    rejected: int = 0


@dataclass
class Lost:
    """Texts of a column that became null: how many, and some of them."""

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, count: int, examples: Sequence[str]) -> None:
        """Adds others."""
        self.count += count
        self.examples = list(dict.fromkeys([*self.examples, *examples]))[:EXAMPLES]


@dataclass
class PartResult:
    """The file that was written, None if there are no rows for it, and what became of the rows."""

    part: int
    file: ParquetFile | None = None
    counts: list[SpanCount] = field(default_factory=list)
    unknown: dict[str, int] = field(default_factory=dict)
    not_normalised: dict[str, Lost] = field(default_factory=dict)


class FoundReject(msgspec.Struct):
    """A rejected row of a file by its index."""

    index: int
    line: int
    column: str | None
    value: str | None
    reason: str
    text: str


def write_part(task: PartTask, rejects: BinaryIO) -> PartResult:
    """Writes the Parquet file, and the rejects, a `FoundReject` in JSON on each line.

    Raises:
        SourceGoneError: a file is gone, or has other bytes than when the work was planned.
    """
    result = PartResult(task.part)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "part.parquet"
        batches = (batch for span in task.spans for batch in _batches(task, span, result, rejects))
        rows = _write(path, DATASETS[task.dataset].arrow, batches)
        if rows:
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            name = f"part-{task.part:05}-{digest[:16]}.parquet"
            result.file = ParquetFile(name, rows, path.stat().st_size, digest)
            Folder(task.clean_uri).put_file(f"{task.folder}/{name}", path)
    return result


def _batches(task: PartTask, span: CleanSpan, result: PartResult, rejects: BinaryIO) -> Iterator[pa.RecordBatch]:
    """The typed rows of a span; counts them in the result."""
    dataset, provenance = DATASETS[task.dataset], Provenance(span.name, span.file_time)
    count = SpanCount(span.span.index)
    result.counts.append(count)
    unknown, lost = Counter(result.unknown), result.not_normalised
    for rows in _rows(task, span):
        found = cleaned(dataset, rows, provenance)
        count.read += rows.read
        count.kept += found.batch.num_rows
        count.rejected += len(found.rejects)
        for reject in found.rejects:
            rejects.write(msgspec.json.encode(FoundReject(count.index, *reject)) + b"\n")
        unknown.update(found.unknown)
        for column, texts in found.not_normalised.items():
            lost.setdefault(column, Lost()).add(len(texts), texts[:EXAMPLES])
        yield found.batch
    result.unknown = dict(unknown)


def _rows(task: PartTask, span: CleanSpan) -> Iterator[Rows]:
    """The rows of a span; a file that is none of its dataset is one broken row."""
    try:
        yield from rows_of(DATASETS[task.dataset], _pieces(span.span), span.first_line)
    except InvalidFileError as error:
        yield Rows.of_invalid(error)


def _pieces(span: Span) -> Iterator[bytes | Damage]:
    with opened(span.file, max(span.begin - 1, 0)) as stream:
        yield from pieces_of(stream, span.begin, span.end)


def _write(path: Path, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
    """Writes the rows in groups; how many there were."""
    waiting: list[pa.RecordBatch] = []
    rows = held = 0
    repeated = [name for name in schema.names if name in REPEATED]
    options = {"compression": "snappy", "use_dictionary": repeated, "write_statistics": False}  # all of it is read
    with pq.ParquetWriter(path, schema, **options) as writer:
        for batch in batches:
            waiting.append(batch)
            held += batch.num_rows
            rows += batch.num_rows
            if held >= ROWS:
                writer.write_table(pa.Table.from_batches(waiting), row_group_size=held)
                waiting, held = [], 0
        if held:
            writer.write_table(pa.Table.from_batches(waiting), row_group_size=held)
    return rows


@dataclass(frozen=True)
class LinesTask:
    """A span whose lines are counted."""

    part: int
    span: Span


@dataclass
class LinesResult:
    """How many lines it has."""

    part: int
    lines: int


def count_lines(task: LinesTask, _rejects: BinaryIO) -> LinesResult:
    """The number of lines that begin in the span; the file has a line end after each."""
    return LinesResult(task.part, sum(newlines(piece) for piece in _pieces(task.span) if isinstance(piece, bytes)))
