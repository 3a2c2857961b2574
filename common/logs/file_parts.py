"""Parts of log files, which can be read independently of each other with the same results as the whole files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import BinaryIO

from common.logs.blocks import MAX_LINE_BYTES, newlines
from common.logs.files import open_file
from common.logs.packing import PIECE_BYTES, READ_BYTES


@dataclass(frozen=True)
class FilePart:
    """A log file, or whole lines of a plain one.

    Attributes:
        path: where the file is.
        begin: the first byte.
        end: the byte behind the last one; None for the end of the file.
        first_line: the number of the first line.
    """

    path: str
    begin: int = 0
    end: int | None = None
    first_line: int = 1

    @property
    def is_whole(self) -> bool:
        """Whether it is all of the file."""
        return not self.begin and self.end is None


def divided(path: str, size: int, most_bytes: int) -> list[FilePart]:
    """A plain file in parts of about so many bytes each; `numbered` gives them the numbers of their lines.

    They are divided where the blocks of the whole file are, so that their blocks are the same. A line that is longer
    than a log record may be stays in one part.
    """
    step = max(1, most_bytes // PIECE_BYTES) * PIECE_BYTES
    with open_file(path) as stream:
        places = [_line_start(stream, place) for place in range(READ_BYTES + step, size, step)]
    bounds = [0, *(place for place in places if place is not None), None]
    return [FilePart(path, begin or 0, end) for begin, end in pairwise(bounds)]


def numbered(parts: list[FilePart], lines: list[int]) -> list[FilePart]:
    """The parts of files with the numbers of their first lines, given how many lines each has."""
    found, line = list[FilePart](), 1
    for part, count in zip(parts, lines, strict=True):
        line = line if part.begin else 1
        found.append(replace(part, first_line=line))
        line += count
    return found


def lines_in(part: FilePart) -> int:
    """The number of line ends in a part of a plain file."""
    with open_file(part.path) as stream:
        return sum(map(newlines, pieces_of(part, stream)))


def pieces_of(part: FilePart, stream: BinaryIO) -> Iterator[bytes]:
    """The bytes of a part of a plain file, in the pieces in which the whole file would be read."""
    place = stream.seek(part.begin)
    while part.end is None or place < part.end:
        bound = READ_BYTES + (place - READ_BYTES + PIECE_BYTES) // PIECE_BYTES * PIECE_BYTES
        piece = stream.read((bound if part.end is None else min(bound, part.end)) - place)
        if not piece:
            return
        yield piece
        place += len(piece)


def _line_start(stream: BinaryIO, place: int) -> int | None:
    """Where the line begins that holds a byte, or the place itself if a line begins there; None if it is too long."""
    begin = stream.seek(max(0, place - MAX_LINE_BYTES))
    end = stream.read(place - begin).rfind(b"\n")
    return None if end < 0 else begin + end + 1
