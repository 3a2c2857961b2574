"""The bytes of a manifest's files, as they were when the manifest was made."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from botocore.exceptions import BotoCoreError, ClientError

from common.aws.clients import aws_errors, client
from common.errors import InputError
from common.ingestion.document import SourceFile
from common.logs.packing import PIECE_BYTES, READ_BYTES, Damage, contents, is_packed
from common.logs.packing.encodings import as_utf8

_CHANGED = {"412", "PreconditionFailed"}
_GONE = {"404", "NoSuchKey", "NoSuchVersion", "NotFound", "NoSuchBucket"}
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_TRIES = 5
_FAILURES = (BotoCoreError, OSError)


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
        return cast(BinaryIO, _Object(file, begin))
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


class _Object(io.RawIOBase):
    """One version of an object in S3; a connection that breaks is made again from where it broke."""

    def __init__(self, file: SourceFile, begin: int) -> None:
        self._file = file
        self._s3 = client("s3")
        self._at = begin
        self._size = 0
        self._body = self._get()

    def _get(self) -> Any:
        file = self._file
        given: dict[str, str] = {}
        if file.version_id:
            given["VersionId"] = file.version_id
        elif file.etag:
            given["IfMatch"] = f'"{file.etag}"'
        if self._at:
            given["Range"] = f"bytes={self._at}-"
        with aws_errors(f"{file.uri} cannot be read"):
            try:
                answer = self._s3.get_object(Bucket=file.bucket, Key=file.key, **given)
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code in _CHANGED:
                    raise SourceGoneError("the object has other bytes than when the manifest was made") from None
                if code in _GONE:
                    raise SourceGoneError("the object does not exist any more") from None
                if code == "InvalidRange":
                    return io.BytesIO()
                raise
        self._size = self._at + answer["ContentLength"]
        return answer["Body"]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if place != self._at:
            self._body.close()
            self._at, self._body = place, None
        return place

    def readinto(self, buffer: Any) -> int:
        for left in reversed(range(_TRIES)):
            try:
                self._body = self._body or self._get()
                data = self._body.read(len(buffer))
                break
            except _FAILURES as error:
                self._body = None
                if not left:
                    raise InputError(f"{self._file.uri} cannot be read: {error}", "Run the job again") from error
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        if not self.closed and self._body is not None:
            self._body.close()
        super().close()
