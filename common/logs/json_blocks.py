"""Reads formats with one JSON object a line: most lines many at a time, unusual ones by themselves."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from common.arrays import Flags
from common.logs.batches import ParsedBatch, RecordCollector, decoded
from common.logs.blocks import MAX_LINE_BYTES, Block
from common.logs.json_columns import JsonLines, Paths, text_columns
from common.logs.json_lines import Document, document_of
from common.logs.source import Source
from common.logs.tables import sessions_of
from common.logs.values import FieldError

_MIN_LINES = 24

Parse = Callable[[Document, int, RecordCollector], None]


@dataclass(frozen=True)
class Part:
    """Records of one kind among the rows of a block.

    Attributes:
        kind: TRAFFIC, THREAT, or what the records are that describe no session.
        rows: mask of the records.
        raw: their columns for `sessions_of`, of the rows of the mask alone; None if they describe no session.
        doubtful: mask over these rows, as in `sessions_of`.
    """

    kind: str
    rows: Flags
    raw: pa.RecordBatch | None = None
    doubtful: Flags | None = None


@dataclass(frozen=True)
class Layout:
    """How the documents of a block are written.

    Attributes:
        paths: the paths of the columns that are read.
        parts: the kinds among the rows, each row in one part at most; those in none are read by themselves.
        composite: columns that may hold lists and objects.
    """

    paths: Paths
    parts: Callable[[pa.RecordBatch], Iterable[Part]]
    composite: Collection[str] = ()


def read_json(source: Source, layout_of: Callable[[Document], Layout], parse: Parse) -> Iterator[ParsedBatch]:
    """A batch for each block.

    Args:
        source: lines with one document each.
        layout_of: how documents such as this one, the first of a block, are written.
        parse: adds what becomes of a single document to the collector, or raises `FieldError`.
    """
    for block in source.blocks:
        yield _parse_block(block, source, layout_of, parse)


def _parse_block(block: Block, source: Source, layout_of: Callable[[Document], Layout], parse: Parse) -> ParsedBatch:
    lines, into = JsonLines(block), RecordCollector(source.path)
    found: list[pa.RecordBatch] = []
    single = np.ones(len(lines.likely), dtype=bool)
    layout = _layout(lines, layout_of)
    if layout:
        columns, certain = text_columns(lines.texts, layout.paths, layout.composite)
        if not certain.all():
            columns = columns.filter(pa.array(certain))
        at = np.flatnonzero(certain)
        for part in layout.parts(columns):
            rows = at[part.rows]
            single[rows] = False
            if part.raw is None:
                into.others[part.kind] += len(rows)
                continue
            numbers = block.numbers_of(lines.likely[rows])
            sessions, sure = sessions_of(
                part.raw, part.kind, numbers, source.path, source.options, part.doubtful, into.zones
            )
            single[rows[~sure]] = True
            found.append(sessions)
    for index in np.sort(np.concatenate((lines.others, lines.likely[single]))).tolist():
        if line := lines[index]:
            _parse_line(line, block.number(index), into, parse)
    return into.batch(found)


def _layout(lines: JsonLines, layout_of: Callable[[Document], Layout]) -> Layout | None:
    if len(lines.likely) < _MIN_LINES:
        return None
    try:
        return layout_of(document_of(lines[int(lines.likely[0])]))
    except FieldError:
        return None


def _parse_line(line: bytes, number: int, into: RecordCollector, parse: Parse) -> None:
    try:
        parse(document_of(line), number, into)
    except FieldError as error:
        into.reject(number, str(error), decoded(line[:MAX_LINE_BYTES]))
