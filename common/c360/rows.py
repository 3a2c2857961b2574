"""The rows of a dataset's file as columns of text, with their lines, and what is no row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from common.arrays import Integers
from common.c360.csv_rows import InvalidFileError, csv_rows
from common.c360.datasets import Dataset
from common.logs.blocks import Block, blocks_of
from common.logs.packing import Damage
from common.ndjson.lines import LONGEST_LINE
from common.ndjson.texts import read_block

_BLANKS = b" \t\r"


class Broken(NamedTuple):
    """What is no row, where it begins, and why."""

    line: int
    reason: str
    text: str


@dataclass(frozen=True)
class Rows:
    """Rows of a part of a file.

    Attributes:
        lines: where each begins in the file; the first line is 1.
        written: each as the source wrote it, without its line end.
        names: of all columns that occur in them.
        columns: the text of columns by their names in whatever case, null where a row has none.
        broken: what is no row. Blank lines are neither.
        read: how many rows there were, broken ones too.
        next_line: after this part.
    """

    lines: Integers
    written: list[bytes]
    names: tuple[str, ...]
    columns: Callable[[Iterable[str]], list[pa.StringArray]]
    broken: list[Broken]
    read: int
    next_line: int

    @classmethod
    def of_invalid(cls, problem: InvalidFileError) -> Rows:
        """What stands for a file that is none of its dataset: one broken row."""
        line = problem.line or 1
        broken = [Broken(line, problem.reason, problem.value or "")]
        return cls(np.zeros(0, dtype=np.int64), [], (), _no_columns, broken, 1, line)


def _no_columns(names: Iterable[str]) -> list[pa.StringArray]:
    return [pa.nulls(0, pa.string()) for _ in names]


def rows_of(dataset: Dataset, pieces: Iterable[bytes | Damage], first_line: int = 1) -> Iterator[Rows]:
    """The rows of the text of a file, or of the part of it that begins with this line.

    Raises:
        InvalidFileError: it is no file of the dataset's format.
    """
    if dataset.format == "ndjson":
        for block in blocks_of(pieces, LONGEST_LINE):
            yield _of_block(block, first_line - 1)
    else:
        for table in csv_rows(dataset, pieces):
            yield Rows(
                np.asarray(table.lines, dtype=np.int64),
                table.written,
                table.names,
                table.columns,
                [Broken(*broken) for broken in table.broken],
                table.read,
                table.next_line,
            )


def _of_block(block: Block, before: int) -> Rows:
    """The rows of a block of lines, of which so many lines of the file come before the first block."""
    texts = read_block(block)
    broken = [Broken(before + (found.line or 0), found.reason, found.text) for found in texts.rejects]
    written = block.data.removesuffix(b"\n").split(b"\n") if block.data else []
    lines = np.arange(block.first_line, block.first_line + len(written), dtype=np.int64)
    read = len(written)
    if broken or len(texts.columns([""])[0]) < len(written):
        no_rows = {found.line for found in texts.rejects}
        filled = [(line, text) for line, text in zip(lines.tolist(), written, strict=True) if text.strip(_BLANKS)]
        read = len(filled) + (block.damage is not None)
        rows = [(line, text) for line, text in filled if line not in no_rows]
        written = [text for _, text in rows]
        lines = np.fromiter((line for line, _ in rows), dtype=np.int64, count=len(rows))
    if written and written[0].endswith(b"\r"):
        written = [text.removesuffix(b"\r") for text in written]
    return Rows(before + lines, written, texts.names, texts.columns, broken, read, before + block.next_line)
