"""The contents of a file as text in UTF-8, whatever packs it, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from common.logs.packing import gunzip, snappy, streams, text_table
from common.logs.packing.damage import PIECE_BYTES, READ_BYTES, Damage
from common.logs.packing.encodings import as_utf8, is_utf16

__all__ = ["PIECE_BYTES", "READ_BYTES", "Damage", "contents", "is_packed", "is_plain"]


def contents(stream: BinaryIO, head: bytes) -> Iterator[bytes | Damage]:
    """The text of the stream in pieces, unpacked and in UTF-8 without a byte order mark, and what is damaged in it.

    `head` is the start of the stream, which has been read from it.
    """
    return as_utf8(_unpacked(stream, head))


def is_packed(head: bytes) -> bool:
    """Whether data that begin like this are packed."""
    return head.startswith(gunzip.MAGIC) or streams.packing_of(head) is not None or snappy.is_packed(head)


def is_plain(head: bytes) -> bool:
    """Whether the text of a file that begins like this is what the file holds, byte by byte."""
    return not (is_packed(head) or head.startswith(text_table.MAGIC) or is_utf16(head))


def _unpacked(stream: BinaryIO, head: bytes) -> Iterator[bytes | Damage]:
    packing = streams.packing_of(head)
    if head.startswith(gunzip.MAGIC):
        yield from gunzip.unpacked(stream, head)
    elif packing:
        yield from streams.unpacked(stream, len(head), packing)
    elif snappy.is_packed(head):
        yield from snappy.unpacked(stream)
    elif head.startswith(text_table.MAGIC) and (lines := text_table.lines_of(stream)):
        yield from lines
    else:
        if head.startswith(text_table.MAGIC):
            stream.seek(len(head))
        yield head
        while piece := stream.read(PIECE_BYTES):
            yield piece
