"""Formats with one record a line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from common.logs.batches import ParsedBatch, RecordCollector, decoded
from common.logs.blocks import MAX_LINE_BYTES, Block
from common.logs.source import Source
from common.logs.values import FieldError

BLANKS = b" \t\r\n\0"
"""Bytes around a line that are no part of it."""


def read_lines(source: Source, parse: Callable[[bytes, int, RecordCollector], None]) -> Iterator[ParsedBatch]:
    """A batch for each block: every line is given to `parse` with its number.

    `parse` adds what becomes of the record to the collector; where it raises `FieldError`, the line is rejected for
    that reason.
    """
    for block in source.blocks:
        collector = RecordCollector(source.path)
        parse_lines(lines_of(block), parse, collector)
        yield collector.batch()


def parse_lines(
    lines: Iterable[tuple[int, bytes]], parse: Callable[[bytes, int, RecordCollector], None], into: RecordCollector
) -> None:
    """Gives each line to `parse` with its number, and rejects those for which it raises `FieldError`."""
    for number, line in lines:
        try:
            parse(line, number, into)
        except FieldError as error:
            into.reject(number, str(error), decoded(line[:MAX_LINE_BYTES]))


def lines_of(block: Block) -> Iterator[tuple[int, bytes]]:
    """The lines of a block that are not blank, with their numbers."""
    data = block.data.removeprefix(b"\xef\xbb\xbf") if block.first_line == 1 else block.data
    for index, line in enumerate(data.split(b"\n")):
        if stripped := line.strip(BLANKS):
            yield block.number(index), stripped


def check_length(line: bytes) -> None:
    """Raises `FieldError` where the line is too long for a log record."""
    if len(line) > MAX_LINE_BYTES:
        raise FieldError(f"the line is longer than {MAX_LINE_BYTES} bytes")
