"""The bytes of a manifest's files, as they were when the manifest was made."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from common.errors import InputError
from common.ingestion.document import SourceFile
from common.logs.packing import PIECE_BYTES, READ_BYTES, Damage, contents, is_packed
from common.logs.packing.encodings import as_utf8

_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class SourceGoneError(Exception):
    """A file is not there any more, or has other bytes than when the manifest was made; the message says which."""


def size_of(file: SourceFile) -> int:
    """The bytes of the file, as stored; 0 if it is gone."""
    if file.size is not None:
        return file.size
    try:
        with opened(file) as stream:
            return stream.seek(0, os.SEEK_END)
    except SourceGoneError:
        return 0


def may_be_split(file: SourceFile) -> bool:
    """Whether lines can be found from anywhere in the file: it is not packed, and its encoding is that of ASCII."""
    try:
        with opened(file) as stream:
            head = stream.read(READ_BYTES)
    except SourceGoneError:
        return False
    return not is_packed(head) and not head.startswith(_UTF16)


def opened(file: SourceFile, begin: int = 0) -> BinaryIO:
    """The file as a stream, from this byte on.

    Raises:
        SourceGoneError: it is gone, or has changed.
        InputError, AwsError: it cannot be read.
    """
    if file.bucket:
        from common.ndjson.objects import opened_object

        return opened_object(file, begin)
    try:
        stream = Path(file.uri).open("rb", buffering=0)  # noqa: SIM115 - the caller closes it
    except FileNotFoundError:
        raise SourceGoneError("the file does not exist any more") from None
    except OSError as error:
        raise InputError(f"{file.uri} cannot be read: {error.strerror}", "Check the permissions") from None
    size = os.fstat(stream.fileno()).st_size
    if file.size not in (None, size):
        stream.close()
        raise SourceGoneError(f"the file has {size:,} bytes now, not {file.size:,}")
    stream.seek(begin)
    return cast(BinaryIO, stream)


def pieces_of(stream: BinaryIO, begin: int, end: int | None) -> Iterator[bytes | Damage]:
    """The text of the lines that begin in this part of a file, unpacked, in UTF-8, without a byte order mark.

    The stream is at `begin`, or one byte before it where that is not 0; without an `end`, it is a whole file.
    """
    if end is None:
        return contents(stream, stream.read(READ_BYTES))
    lines = _lines_in(stream, begin, end)
    return as_utf8(lines) if begin == 0 else lines


def _lines_in(stream: BinaryIO, begin: int, end: int) -> Iterator[bytes | Damage]:
    """The bytes after the first line end from `begin` - 1 on (or from 0 on), up to that from `end` - 1 on."""
    at, is_inside = max(begin - 1, 0), begin == 0
    while piece := stream.read(PIECE_BYTES):
        start = 0
        if not is_inside:
            start = piece.find(b"\n") + 1
            is_inside = start > 0
            if is_inside and at + start >= end:
                return
        last = max(end - 1 - at, 0)
        stop = piece.find(b"\n", last) + 1 if last < len(piece) else 0
        if is_inside and piece[start : stop or None]:
            yield piece[start : stop or None]
        if stop:
            return
        at += len(piece)
