"""Splits the contents of files into blocks of whole lines, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO

import numpy as np

from common.arrays import Integers
from common.logs.packing import READ_BYTES, Damage, contents

BLOCK_BYTES = 8 * 1024 * 1024
MAX_LINE_BYTES = 1024 * 1024
"""A longer line cannot be a log record: it is cut to one byte more than this, and rejected for its length."""

_NEWLINE = 10


@dataclass(frozen=True)
class Block:
    """Whole lines of a file; `first_line` is the number of the first one, counted from 1.

    Lines that were unwrapped from others have the `numbers` of those, one per line of the data, in ascending order;
    `behind` is then the number of the line after all of them.
    `damage` is set where the file is damaged after these lines, and `cut` is then what is left of the line that the
    damage cut off.
    """

    data: bytes
    first_line: int
    damage: Damage | None = None
    cut: bytes = b""
    numbers: Integers | None = None
    behind: int | None = None

    def number(self, index: int) -> int:
        """The number in the file of a line of the block, by its index there."""
        return self.first_line + index if self.numbers is None else int(self.numbers[index])

    def numbers_of(self, indices: Integers) -> Integers:
        """The numbers in the file of lines of the block, by their indices there."""
        return self.first_line + indices if self.numbers is None else self.numbers[indices]

    @cached_property
    def line_ends(self) -> Integers:
        """The positions of the line ends in the data."""
        return line_ends(self.data)

    @cached_property
    def next_line(self) -> int:
        """The number of the line after the block."""
        return self.first_line + len(self.line_ends) if self.behind is None else self.behind


def is_utf8(data: bytes) -> bool:
    """Whether the bytes are text in UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def line_ends(data: bytes) -> Integers:
    """The positions of the line ends."""
    return np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == _NEWLINE)


def newlines(data: bytes) -> int:
    """The number of line ends."""
    return int(np.count_nonzero(np.frombuffer(data, dtype=np.uint8) == _NEWLINE))


def _whole_lines(pieces: list[bytes], longest: int) -> tuple[bytes, bytes]:
    """The pieces up to their last line end, and the rest, cut to one byte more than the longest length of a line."""
    end = pieces[-1].rfind(b"\n") + 1
    if end:
        return b"".join((*pieces[:-1], memoryview(pieces[-1])[:end])), pieces[-1][end:][: longest + 1]
    data = b"".join(pieces)
    end = data.rfind(b"\n") + 1
    return data[:end], data[end:][: longest + 1]


def blocks(stream: BinaryIO, head: bytes = b"") -> Iterator[Block]:
    """The stream as blocks of whole lines, of about `BLOCK_BYTES` each; `head` has already been read from it."""
    return blocks_of(contents(stream, head or stream.read(READ_BYTES)))


def blocks_of(
    pieces_of_file: Iterable[bytes | Damage],
    longest: int = MAX_LINE_BYTES,
    block_bytes: int | None = None,
    first_line: int = 1,
) -> Iterator[Block]:
    """The pieces of a text as blocks of whole lines, of about `block_bytes` each; a line that is too long is cut."""
    least = BLOCK_BYTES if block_bytes is None else block_bytes
    rest, size = b"", 0
    pieces: list[bytes] = []
    for piece in pieces_of_file:
        damage = piece if isinstance(piece, Damage) else None
        if isinstance(piece, bytes):
            pieces.append(piece)
            size += len(piece)
            if size < least:
                continue
        data, rest = _whole_lines([rest, *pieces], longest)
        pieces, size = [], 0
        breaks_line = damage is not None and damage.missing_bytes != 0
        cut, rest = (rest, b"") if breaks_line else (b"", rest)
        if data or damage:
            yield (block := Block(data, first_line, damage, cut))
            first_line = block.next_line + breaks_line
    if data := b"".join((rest, *pieces)):
        yield Block(data, first_line)
