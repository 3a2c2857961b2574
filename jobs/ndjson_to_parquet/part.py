"""Writes one Parquet file from its spans of NDJSON files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import BinaryIO

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from common.logs.blocks import Block, blocks_of
from common.logs.packing import Damage
from common.logs.packing.text_table import ADDED, METADATA
from common.ndjson.lines import LONGEST_LINE, Reject
from common.ndjson.names import Columns
from common.ndjson.sources import SourceGoneError, opened, pieces_of
from common.ndjson.spans import Span
from common.ndjson.texts import TextBlock, read_block
from jobs.ndjson_to_parquet.outputs import Target

BLOCK_BYTES = 1024 * 1024
"""Decoded at once: little enough to stay in the caches of a processor."""

ROW_GROUP_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True)
class PartTask:
    """A Parquet file to write.

    Attributes:
        columns: those of the whole manifest, as far as they are known; in this order in the file.
        timestamp: that of the run, in each row.
    """

    part: int
    spans: Sequence[Span]
    columns: tuple[str, ...]
    timestamp: str
    compression: str
    target: Target


@dataclass
class FileCount:
    """What became of the lines of a span; `lines` counts blank ones, too. `gone` says why the file was not read."""

    index: int
    lines: int = 0
    read: int = 0
    rejected: int = 0
    gone: str | None = None


@dataclass
class PartResult:
    """What a part is made of.

    Attributes:
        columns: the names in its records, in the order of their first sight.
        etags: of the pieces that were uploaded.
        is_whole: whether the file was written; it is not if its task lacked columns.
    """

    part: int
    columns: tuple[str, ...] = ()
    counts: list[FileCount] = field(default_factory=list)
    etags: tuple[str, ...] = ()
    is_whole: bool = True


class FoundReject(msgspec.Struct):
    """A reject as a part writes it: the file by its index, the line as counted from the start of the span."""

    index: int
    line: int | None
    reason: str
    text: str


def write_part(task: PartTask, rejects: BinaryIO) -> PartResult:
    """Writes the Parquet file, and the rejects, a `FoundReject` in JSON on each line.

    Once a record has a column that the task does not know, only the names of the others are read: the file has to be
    written again, with all columns of the manifest.
    """
    known, seen, result = Columns(task.columns), Columns(), PartResult(task.part)
    with task.target.opened() as content, _RowGroups(content, task) as rows:
        for span in task.spans:
            count = FileCount(span.index)
            result.counts.append(count)
            try:
                with opened(span.file, max(span.begin - 1, 0)) as stream:
                    pieces = _small(pieces_of(stream, span.begin, span.end))
                    for block in blocks_of(pieces, LONGEST_LINE, BLOCK_BYTES):
                        texts = _counted(block, count, rejects)
                        seen.add(texts.names)
                        result.is_whole = result.is_whole and known.has_all(texts.names)
                        if result.is_whole and texts.rows:
                            rows.add(texts, span.file.uri)
            except SourceGoneError as error:
                count.gone = str(error)
                _write(rejects, count, (Reject(None, count.gone, ""),))
        rows.close()
        result.columns = seen.names
        if result.is_whole:
            result.etags = task.target.sent(content)
    return result


def _small(pieces: Iterable[bytes | Damage]) -> Iterator[bytes | Damage]:
    """The pieces in smaller ones."""
    for piece in pieces:
        if isinstance(piece, Damage):
            yield piece
        else:
            yield from (piece[at : at + BLOCK_BYTES] for at in range(0, len(piece), BLOCK_BYTES))


def _counted(block: Block, count: FileCount, rejects: BinaryIO) -> TextBlock:
    texts = read_block(block, ADDED)
    count.lines = block.next_line - 1
    count.read += texts.rows + len(texts.rejects)
    count.rejected += len(texts.rejects)
    _write(rejects, count, texts.rejects)
    return texts


def _write(rejects: BinaryIO, count: FileCount, found: Sequence[Reject]) -> None:
    for reject in found:
        rejects.write(msgspec.json.encode(FoundReject(count.index, reject.line, reject.reason, reject.text)) + b"\n")


class _RowGroups:
    """A Parquet file that grows by groups of rows, each of about `ROW_GROUP_BYTES` of text.

    A group is encoded and written by a thread, while the lines of the next one are read.
    """

    def __init__(self, content: BinaryIO, task: PartTask) -> None:
        self._task = task
        fields = [(name, pa.string()) for name in (*task.columns, *ADDED)]
        self._schema = pa.schema(fields, metadata=METADATA)
        self._writer = pq.ParquetWriter(content, self._schema, compression=task.compression)
        self._thread = ThreadPoolExecutor(1)
        self._written: Future[None] | None = None
        self._batches: list[pa.RecordBatch] = []
        self._bytes = 0

    def __enter__(self) -> _RowGroups:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()
        self._writer.close()

    def add(self, texts: TextBlock, source: str) -> None:
        added = [pa.repeat(pa.scalar(text), texts.rows) for text in (source, self._task.timestamp)]
        columns = [*texts.columns(self._task.columns), *added]
        self._batches.append(pa.RecordBatch.from_arrays(columns, schema=self._schema))
        self._bytes += self._batches[-1].nbytes
        if self._bytes >= ROW_GROUP_BYTES:
            self._flush()

    def close(self) -> None:
        """Writes what is left, and the footer."""
        self._flush()
        self._wait()
        self._writer.close()

    def _flush(self) -> None:
        self._wait()
        if self._batches:
            rows = pa.Table.from_batches(self._batches, self._schema)
            self._written = self._thread.submit(self._writer.write_table, rows)
            self._batches, self._bytes = [], 0

    def _wait(self) -> None:
        """Until the group before is written."""
        if self._written:
            self._written.result()
        self._written = None
