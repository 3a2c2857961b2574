"""Unpacks bzip2, xz, zstd and lz4 data, also of damaged files: all that can be read before and after the damage."""

from __future__ import annotations

import lzma
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

import pyarrow as pa

from common.logs.packing.damage import READ_BYTES, Damage

_STEP = 64 * 1024
_STORED_STEP = 4 * 1024
_XZ_MEMORY_BYTES = 256 * 1024 * 1024
_XZ_PADDING = b"\0"


@dataclass(frozen=True)
class Packing:
    """A way to pack data.

    Attributes:
        name: what users call it.
        begin: the first bytes of each stream in a file; a file may be several streams in a row.
    """

    name: str
    begin: re.Pattern[bytes]


PACKINGS = (
    Packing("bzip2", re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)", re.DOTALL)),
    Packing("xz", re.compile(rb"\xfd7zXZ\x00")),
    Packing("zstd", re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18")),
    Packing("lz4", re.compile(rb"\x04\x22\x4d\x18")),
)
_LONGEST_BEGIN = 10
_CODECS = {"bzip2": "bz2", "zstd": "zstd", "lz4": "lz4"}


class _Reader(Protocol):
    def read(self, size: int) -> bytes:
        """The next unpacked bytes, b"" at the end."""


def packing_of(head: bytes) -> Packing | None:
    """How data that begin like this are packed; None if they are not."""
    return next((packing for packing in PACKINGS if packing.begin.match(head)), None)


def unpacked(stream: BinaryIO, back: int, packing: Packing) -> Iterator[bytes | Damage]:
    """The unpacked data in pieces, and what is damaged between them; reading begins `back` bytes before the place.

    After damage, reading goes on where the next stream begins.
    """
    stream.seek(-back, os.SEEK_CUR)
    while True:
        begin, size = stream.tell(), 0
        reader = _opened(_Feed(stream), packing)
        try:
            while piece := reader.read(_STEP):
                size += len(piece)
                yield piece
            return
        except (OSError, EOFError, lzma.LZMAError, pa.ArrowException) as error:
            reason = str(error)
        salvaged, broken = _salvaged(stream, begin, size, packing)
        if salvaged:
            yield salvaged
        if "runcated" in reason:
            yield Damage(f"the {packing.name} stream is cut off", None)
            return
        following = _next_stream(stream, max(broken, begin + 1), packing)
        lost = following - broken
        yield Damage(f"the {packing.name} data are damaged: {lost:,} bytes are missing here ({reason})", lost)
        if stream.seek(0, os.SEEK_END) <= following:
            return
        stream.seek(following)


class _Feed:
    """The stream as it is read by the libraries, in steps that can be made smaller."""

    closed = False

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.step = _STORED_STEP

    def read(self, size: int = -1) -> bytes:
        return self._stream.read(min(size, self.step) if size >= 0 else self.step)

    def close(self) -> None:
        """The stream stays open."""


class _XzReader:
    """The streams of an xz file, one after the other, with bounded memory."""

    def __init__(self, feed: _Feed) -> None:
        self._feed = feed
        self._stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY_BYTES)
        self._rest = b""

    def read(self, size: int) -> bytes:
        while not self._stream.eof or self._begins_another():
            given = self._rest or (self._feed.read() if self._stream.needs_input else b"")
            self._rest = b""
            if self._stream.needs_input and not given:
                raise EOFError("truncated")
            if data := self._stream.decompress(given, size):
                return data
        return b""

    def _begins_another(self) -> bool:
        rest = self._stream.unused_data.lstrip(_XZ_PADDING)
        while not rest:
            piece = self._feed.read()
            if not piece:
                return False
            rest = piece.lstrip(_XZ_PADDING)
        self._stream, self._rest = lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY_BYTES), rest
        return True


def _opened(feed: _Feed, packing: Packing) -> _Reader:
    codec = _CODECS.get(packing.name)
    return pa.CompressedInputStream(pa.PythonFile(feed, "r"), codec) if codec else _XzReader(feed)


def _salvaged(stream: BinaryIO, begin: int, size: int, packing: Packing) -> tuple[bytes, int]:
    """What follows the first `size` unpacked bytes up to the damage, and the place of the damage in the stream.

    The libraries drop the output of a call that fails, so the last part is given to them, and read, byte by byte.
    """
    stream.seek(begin)
    feed, found = _Feed(stream), bytearray()
    reader = _opened(feed, packing)
    try:
        while size:
            size -= len(reader.read(min(size, _STEP)))
        feed.step = 1
        while byte := reader.read(1):
            found += byte
    except (OSError, EOFError, lzma.LZMAError, pa.ArrowException):
        pass
    return bytes(found), stream.tell()


def _next_stream(stream: BinaryIO, place: int, packing: Packing) -> int:
    """Where the next stream begins, from this place of the file on; the end of the file if there is none."""
    stream.seek(place)
    data = b""
    while piece := stream.read(READ_BYTES):
        place += len(piece)
        data = data[-_LONGEST_BEGIN:] + piece
        if match := packing.begin.search(data):
            return place - len(data) + match.start()
    return place
