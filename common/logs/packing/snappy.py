"""Raw snappy blocks, as some services store log files: one block, which says its size and nothing else."""

from __future__ import annotations

import os
import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa

from common.logs.packing.damage import PIECE_BYTES, Damage

MAX_STORED_BYTES = 64 * 1024 * 1024
MAX_BYTES = 256 * 1024 * 1024
"""A block can only be unpacked as a whole, in memory."""

METADATA_BYTES = 64 * 1024
_METADATA = re.compile(rb'"num_bytes"\s*:\s*"?([0-9]{1,12})\b')
_LENGTH_BYTES = 5
_CONTINUES = 0x80
_LONG_LITERAL = 60
_LOG_STARTS = b'{[<"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz# \t'


def is_packed(head: bytes) -> bool:
    """Whether data that begin like this are a snappy block, or metadata and a block."""
    return is_block(head) or metadata_of(head) is not None


def is_block(head: bytes) -> bool:
    """Whether the data can be a snappy block of text: the size, then a literal; text itself never looks like this."""
    size, at = _size(head)
    if not size or at >= len(head) or head[at] & 3 or head.startswith((BOM_UTF8, BOM_UTF16_LE, BOM_UTF16_BE)):
        return False
    literal = at + 1 + max(0, (head[at] >> 2) - _LONG_LITERAL + 1)
    fits = len(head) <= 32 + size + size // 6  # the most that snappy makes of text
    return fits and literal < len(head) and head[literal] in _LOG_STARTS and not _is_text(head[: at + 1])


def _is_text(data: bytes) -> bool:
    return data.isascii() and data.decode().isprintable()


def _size(head: bytes) -> tuple[int, int]:
    """The size of the unpacked data, 0 if there is none, and the number of bytes that say it."""
    size = 0
    for at, byte in enumerate(head[:_LENGTH_BYTES]):
        size |= (byte & ~_CONTINUES) << 7 * at
        if byte < _CONTINUES:
            return size, at + 1
    return 0, 0


def metadata_of(head: bytes) -> int | None:
    """The length of the line of metadata at the start, which says the size of the block behind it; None without one."""
    line, end, behind = head.partition(b"\n")
    names = _METADATA.search(line) if line.startswith(b"{") else None
    return len(line) + 1 if end and names and is_block(behind[: int(names[1])]) else None


def unpacked(stream: BinaryIO) -> Iterator[bytes | Damage]:
    """The unpacked blocks in pieces; of a block that is damaged or too large, nothing.

    A block may have a line of metadata before it, as the Strata Logging Service writes; another may then follow.
    """
    stored = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    place = 0
    while place < stored:
        size, ends = stored - place, False
        stream.seek(place)
        begin = stream.read(METADATA_BYTES)
        if metadata := _METADATA.search(begin[: metadata_of(begin) or 0]):
            place += metadata_of(begin) or 0
            size, ends = min(int(metadata[1]), stored - place), True
        stream.seek(place)
        place += size
        yield from _block(stream, size)
        if ends and place < stored:
            yield b"\n"


def _block(stream: BinaryIO, stored: int) -> Iterator[bytes | Damage]:
    size, _ = _size(begin := stream.read(_LENGTH_BYTES))
    if size > MAX_BYTES or stored > MAX_STORED_BYTES:
        yield Damage(
            f"the snappy block of {size:,} bytes is too large: of such a block, which has to be unpacked in memory, "
            f"at most {MAX_BYTES:,} bytes are read",
            stored,
        )
        return
    try:
        packed = begin + stream.read(stored - len(begin))
        data = pa.Codec("snappy").decompress(packed, decompressed_size=size).to_pybytes()
    except (OSError, ValueError, pa.ArrowException):
        yield Damage("the snappy block is damaged: nothing of it can be read", stored)
        return
    for at in range(0, len(data), PIECE_BYTES):
        yield data[at : at + PIECE_BYTES]
