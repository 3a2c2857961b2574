"""Splits plain or gzip streams into blocks of whole lines, in bounded memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

BLOCK_BYTES = 4 * 1024 * 1024
MAX_LINE_BYTES = 1024 * 1024
"""A longer line cannot be a log record: it is cut to one byte more than this, and rejected for its length."""

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = 31
_NEWLINE = 10
READ_BYTES = 256 * 1024


@dataclass(frozen=True)
class Block:
    """Whole lines of a file; `first_line` is the number of the first one, counted from 1.

    `damage` (line, reason, bytes) is set where the stream breaks off after these lines.
    """

    data: bytes
    first_line: int
    damage: tuple[int, str, bytes] | None = None


class DamagedStreamError(Exception):
    """A compressed stream is cut off or corrupt."""


def decompressed(stream: BinaryIO, head: bytes) -> Iterator[bytes]:
    """The bytes of the stream in pieces, unpacked if they are gzip; `head` has already been read from it.

    Raises:
        DamagedStreamError: the stream is damaged; all that could be recovered was returned before.
    """
    if not head.startswith(_GZIP_MAGIC):
        yield head
        while piece := stream.read(BLOCK_BYTES):
            yield piece
        return
    yield from _gunzipped(stream, head)


def _gunzipped(stream: BinaryIO, piece: bytes) -> Iterator[bytes]:
    member = zlib.decompressobj(_GZIP_WINDOW)
    while piece:
        try:
            data = member.decompress(piece, BLOCK_BYTES)
        except zlib.error as error:
            raise DamagedStreamError(f"the gzip data are damaged: {error}") from None
        if data:
            yield data
        piece = member.unconsumed_tail
        if member.eof:
            piece = member.unused_data.lstrip(b"\0") or stream.read(READ_BYTES).lstrip(b"\0")
            if not piece:
                return
            member = zlib.decompressobj(_GZIP_WINDOW)
        elif not piece:
            piece = stream.read(READ_BYTES)
    raise DamagedStreamError("the gzip stream is cut off")


def newlines(data: bytes) -> int:
    """The number of line ends."""
    return int(np.count_nonzero(np.frombuffer(data, dtype=np.uint8) == _NEWLINE))


def _whole_lines(pieces: list[bytes]) -> tuple[bytes, bytes]:
    """The pieces up to their last line end, and the rest, cut to the longest length of a line."""
    end = pieces[-1].rfind(b"\n") + 1
    if end:
        return b"".join((*pieces[:-1], memoryview(pieces[-1])[:end])), pieces[-1][end:][: MAX_LINE_BYTES + 1]
    data = b"".join(pieces)
    end = data.rfind(b"\n") + 1
    return data[:end], data[end:][: MAX_LINE_BYTES + 1]


def blocks(stream: BinaryIO, head: bytes = b"") -> Iterator[Block]:
    """The stream as blocks of whole lines, of about `BLOCK_BYTES` each; `head` has already been read from it."""
    first_line, rest, size, pieces = 1, b"", 0, []
    broken: str | None = None
    source = decompressed(stream, head or stream.read(READ_BYTES))
    while True:
        try:
            piece = next(source, b"")
        except DamagedStreamError as error:
            piece, broken = b"", str(error)
        if piece:
            pieces.append(piece)
            size += len(piece)
            if size < BLOCK_BYTES:
                continue
        if not piece:
            break
        data, rest = _whole_lines([rest, *pieces])
        pieces, size = [], 0
        if data:
            yield Block(data, first_line)
            first_line += newlines(data)
    data = b"".join((rest, *pieces))
    end = data.rfind(b"\n") + 1 if broken else len(data)
    damage = (first_line + newlines(data), broken, data[end:]) if broken else None
    if data or damage:
        yield Block(data[:end], first_line, damage)
