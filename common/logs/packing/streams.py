"""Unpacks bzip2, xz, zstd and lz4 data, also of damaged files: all that can be read before and after the damage."""

from __future__ import annotations

import bz2
import lzma
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Protocol

import pyarrow as pa

from common.logs.packing.damage import READ_BYTES, Damage

_STEP = 64 * 1024
_STORED_STEP = 4 * 1024
_XZ_MEMORY_BYTES = 256 * 1024 * 1024
_PADDING = b"\0"
_FAILURES = (OSError, EOFError, lzma.LZMAError, pa.ArrowException)


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


class _Reader(Protocol):
    def read(self, size: int) -> bytes:
        """The next unpacked bytes, b"" at the end."""


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


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
        feed = _Feed(stream)
        reader = _opened(feed, packing)
        try:
            while piece := reader.read(_STEP):
                size += len(piece)
                yield piece
            return
        except _FAILURES as error:
            reason = str(error)
        salvaged, broken = _salvaged(stream, begin, size, feed.last, packing)
        if salvaged:
            yield salvaged
        if "runcated" in reason:
            yield Damage(f"the {packing.name} stream is cut off", None)
            return
        following = _next_stream(stream, broken, packing)
        lost = following - broken
        yield Damage(f"the {packing.name} data are damaged: {lost:,} bytes are missing here ({reason})", lost)
        if stream.seek(0, os.SEEK_END) <= following:
            return
        stream.seek(following)


class _Feed:
    """The stream as the libraries read it: in small steps, from a place on byte by byte."""

    closed = False

    def __init__(self, stream: BinaryIO, bytewise_from: int | None = None) -> None:
        self._stream = stream
        self._bytewise_from = bytewise_from
        self.last = stream.tell()

    def read(self, size: int = -1) -> bytes:
        self.last = self._stream.tell()
        bytewise = self._bytewise_from is not None and self.last >= self._bytewise_from
        step = 1 if bytewise else _STORED_STEP
        return self._stream.read(min(size, step) if size >= 0 else step)

    def close(self) -> None:
        """The stream stays open."""


class _Streams:
    """The unpacked contents of streams in a row."""

    def __init__(self, feed: _Feed, begun: Callable[[], _Decompressor]) -> None:
        self._feed = feed
        self._begun = begun
        self._stream = begun()
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
        rest = self._stream.unused_data.lstrip(_PADDING)
        while not rest:
            piece = self._feed.read()
            if not piece:
                return False
            rest = piece.lstrip(_PADDING)
        self._stream, self._rest = self._begun(), rest
        return True


_DECOMPRESSORS: dict[str, Callable[[], _Decompressor]] = {
    "bzip2": bz2.BZ2Decompressor,
    "xz": partial(lzma.LZMADecompressor, lzma.FORMAT_XZ, _XZ_MEMORY_BYTES),
}


def _opened(feed: _Feed, packing: Packing) -> _Reader:
    begun = _DECOMPRESSORS.get(packing.name)
    return _Streams(feed, begun) if begun else pa.CompressedInputStream(pa.PythonFile(feed, "r"), packing.name)


def _salvaged(stream: BinaryIO, begin: int, size: int, last: int, packing: Packing) -> tuple[bytes, int]:
    """What follows the first `size` unpacked bytes up to the damage, and the place of the damage in the stream.

    The libraries drop the output of a call that fails, so the bytes from `last` on, where it failed, are given to them,
    and what they make of them is read, one by one.
    """
    stream.seek(begin)
    reader, found = _opened(_Feed(stream, last), packing), bytearray()
    try:
        while size:
            size -= len(reader.read(min(size, _STEP)))
        while byte := reader.read(1):
            found += byte
    except _FAILURES:
        pass
    return bytes(found), max(begin + 1, stream.tell() - _LONGEST_BEGIN)


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
