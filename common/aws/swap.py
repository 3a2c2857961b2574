"""Writing a small file only if nobody else has changed it since it was read."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from common.aws.clients import aws_errors, client
from common.storage.files import Folder
from common.storage.filesystems import bucket_and_key

CHANGED = ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "404", "412", "409")
"""The codes by which S3 says that the object is not the one that was read."""


def swapped(folder: Folder, name: str, old: bytes | None, new: bytes) -> bool:
    """Whether the file was written, whole: True if it still held `old`; None stands for a file that does not exist.

    On a disk, writers that use this function wait for each other; in S3, the write is conditional.

    Raises:
        StorageError: the file cannot be read or written.
        AwsError: S3 refused.
    """
    if folder.is_remote:
        return _swapped_in_s3(f"{folder.uri}/{name}", old, new)
    with _locked(Path(folder.uri)):
        found = (Path(folder.uri) / name).read_bytes() if folder.exists(name) else None
        if found == old:
            folder.write(name, new)
        return found == old


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Holds the lock of a folder, which no process keeps when it ends."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _swapped_in_s3(uri: str, old: bytes | None, new: bytes) -> bool:
    bucket, key = bucket_and_key(uri)
    s3 = client("s3")
    with aws_errors(f"{uri} could not be written"):
        try:
            s3.put_object(Bucket=bucket, Key=key, Body=new, **_condition(s3, bucket, key, old))
        except ClientError as error:
            if error.response["Error"]["Code"] in CHANGED:
                return False
            raise
    return True


def _condition(s3: Any, bucket: str, key: str, old: bytes | None) -> dict[str, str]:
    """What makes S3 write only over the old content; an ETag that no object has where it is another one already."""
    if old is None:
        return {"IfNoneMatch": "*"}
    found = s3.get_object(Bucket=bucket, Key=key)
    return {"IfMatch": found["ETag"] if found["Body"].read() == old else '"changed"'}
