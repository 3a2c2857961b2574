"""The bytes of one version of an object in S3."""

from __future__ import annotations

import io
import os
from typing import Any, BinaryIO, cast

from botocore.exceptions import BotoCoreError, ClientError

from common.aws.clients import S3_CHANGED, S3_GONE, aws_errors, client
from common.errors import InputError
from common.ingestion.document import SourceFile
from common.ndjson.sources import SourceGoneError

_GONE = S3_GONE | {"NoSuchBucket"}
_TRIES = 5
_FAILURES = (BotoCoreError, OSError)


def opened_object(file: SourceFile, begin: int) -> BinaryIO:
    """The object as a stream, from this byte on.

    Raises:
        SourceGoneError: it is gone, or has changed.
        InputError, AwsError: it cannot be read.
    """
    return cast(BinaryIO, _Object(file, begin))


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
                if code in S3_CHANGED:
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
