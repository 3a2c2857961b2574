"""Unpacks gzip data, also of damaged files: all that can be read before and after the damage."""

from __future__ import annotations

import re
import zlib
from collections.abc import Generator, Iterator
from typing import BinaryIO

from common.logs.packing.damage import PIECE_BYTES, READ_BYTES, Damage

MAGIC = b"\x1f\x8b"
_MEMBER = re.compile(rb"\x1f\x8b\x08[\x00-\x1f]", re.DOTALL)
_PROBE_BYTES = 4096
_TRAILER_BYTES = 8
_WRONG_CHECKSUM, _WRONG_SIZE = "incorrect data check", "incorrect length check"
_GREATEST_RATIO = 32
"""Logs hardly ever shrink more than this: a size in a trailer that says so is not one."""


def unpacked(stream: BinaryIO, head: bytes) -> Iterator[bytes | Damage]:
    """The unpacked data in pieces, and what is damaged between them; `head` has already been read from the stream.

    After damage, reading goes on at the next gzip member, as files have them to which a shipper appended.
    """
    piece = head
    while piece:
        if len(piece) < len(MAGIC):
            piece += stream.read(READ_BYTES)
        if piece.startswith(MAGIC):
            piece = yield from _member(stream, piece)
        else:
            lost, _, piece = _next_member(stream, piece)
            yield Damage(f"{lost:,} bytes after the gzip data are no gzip data", lost)


def _member(stream: BinaryIO, piece: bytes) -> Generator[bytes | Damage, None, bytes]:
    """The data of one member; returns what follows it in the stream, b"" at its end."""
    member, size = zlib.decompressobj(31), 0
    while not member.eof:
        before = member.copy()
        try:
            data = member.decompress(piece, PIECE_BYTES)
        except zlib.error as error:
            rest = piece
            for data, rest in _salvaged(before, piece):  # noqa: B007 - the last rest counts
                size += len(data)
                if data:
                    yield data
            lost, trailer, following = _next_member(stream, rest)
            yield _damage(str(error), lost, size, int.from_bytes(trailer[-4:], "little"))
            return following
        size += len(data)
        if data:
            yield data
        piece = member.unconsumed_tail or (b"" if member.eof else stream.read(READ_BYTES))
        if not piece and not member.eof:
            yield from (data for data, _ in _salvaged(member, b""))
            yield Damage("the gzip stream is cut off", None)
            return b""
    return member.unused_data or stream.read(READ_BYTES)


def _salvaged(member: zlib._Decompress, piece: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The data up to the byte where zlib fails, in parts, each with the packed bytes that follow it.

    zlib drops the output of a call that fails. So the calls ask for less and less output, and then get their input
    byte by byte: the end of the data and the checksum would share a call.
    """
    limit = PIECE_BYTES
    while limit:
        before = member.copy()
        try:
            data = member.decompress(piece, limit)
        except zlib.error:
            member, limit = before, limit // 2
            continue
        piece = member.unconsumed_tail
        yield data, piece
        if not data:
            return
    for at in range(len(piece)):
        try:
            yield member.decompress(piece[at : at + 1]), piece[at + 1 :]
        except zlib.error:
            return


def _next_member(stream: BinaryIO, data: bytes) -> tuple[int, bytes, bytes]:
    """The number of bytes before the next member, the last eight of them, and the data from it on, b"" without one."""
    passed, last, begin = 0, b"", 1
    while True:
        more = stream.read(READ_BYTES)
        data += more
        end = max(0, len(data) - _PROBE_BYTES) if more else len(data)
        for match in _MEMBER.finditer(data, begin):
            at = match.start()
            if at < end and _unpacks(data[at : at + _PROBE_BYTES]):
                return passed + at, (last + data[:at])[-_TRAILER_BYTES:], data[at:]
        last = (last + data[:end])[-_TRAILER_BYTES:]
        passed, data, begin = passed + end, data[end:], max(0, begin - end)
        if not more:
            return passed, last, b""


def _unpacks(data: bytes) -> bool:
    try:
        return bool(zlib.decompressobj(31).decompress(data))
    except zlib.error:
        return False


def _damage(error: str, lost: int, size: int, whole_size: int) -> Damage:
    """The damage, from zlib's message, the packed bytes lost, the size of what was unpacked and that in the trailer."""
    if _WRONG_SIZE in error:
        return Damage("the size after the gzip data is wrong, their checksum is right", 0)
    if _WRONG_CHECKSUM in error and size % 2**32 == whole_size:
        return Damage("the checksum of the gzip data is wrong: records may be altered", 0)
    if _WRONG_CHECKSUM in error and lost <= 2 * _TRAILER_BYTES:
        return Damage("checksum and size of the gzip data are wrong: records may be altered or missing", None)
    lost = max(1, lost - _TRAILER_BYTES)
    missing = whole_size - size
    known = f", about {missing:,} bytes of text" if 0 < missing <= _GREATEST_RATIO * lost else ""
    return Damage(f"the gzip data are damaged: {lost:,} bytes{known} are missing here", lost)
