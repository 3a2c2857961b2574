"""Files that are written apart and take their places together when all of them are whole."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from boto3.s3.transfer import TransferConfig

from common.aws.clients import aws_errors, client
from common.errors import AwsError
from common.storage.drafts import draft

CHUNK_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Target:
    """Where one file is written until it takes its place: a draft beside it, or an upload to S3 not yet completed."""

    path: str = ""
    bucket: str = ""
    key: str = ""
    upload_id: str = ""

    def opened(self) -> BinaryIO:
        """An empty file to write to; one without a name for an upload."""
        return cast(BinaryIO, Path(self.path).open("w+b") if self.path else tempfile.TemporaryFile())

    def sent(self, content: BinaryIO) -> tuple[str, ...]:
        """Uploads what was written; the ETags of its pieces, none for a draft."""
        if self.path:
            return ()
        s3 = client("s3")
        etags: list[str] = []
        content.seek(0)
        while chunk := content.read(CHUNK_BYTES):
            where = {"Bucket": self.bucket, "Key": self.key, "UploadId": self.upload_id, "PartNumber": len(etags) + 1}
            with aws_errors(f"s3://{self.bucket}/{self.key} cannot be written"):
                etags.append(str(s3.upload_part(**where, Body=chunk)["ETag"]))
        return tuple(etags)


@dataclass
class Outputs:
    """The files of a run, in order; `etags` are those of the pieces of each upload."""

    targets: list[Target]
    etags: dict[int, tuple[str, ...]] = field(default_factory=dict)


@contextmanager
def outputs(folder_uri: str, names: Sequence[str]) -> Iterator[Outputs]:
    """Files to write, which take their places at the end; none of them does after an error.

    Raises:
        AwsError, OSError: they cannot be written.
    """
    if folder_uri.startswith("s3://"):
        with _uploads(folder_uri, names) as uploads:
            yield uploads
        return
    with ExitStack() as drafts:
        yield Outputs([Target(str(drafts.enter_context(_draft(folder_uri, name)))) for name in names])


@contextmanager
def _uploads(folder_uri: str, names: Sequence[str]) -> Iterator[Outputs]:
    s3 = client("s3")
    uploads = Outputs([])
    done = 0
    try:
        for name in names:
            bucket, key = _object_of(folder_uri, name)
            with aws_errors(f"s3://{bucket}/{key} cannot be written"):
                begun = s3.create_multipart_upload(Bucket=bucket, Key=key)
            uploads.targets.append(Target(bucket=bucket, key=key, upload_id=begun["UploadId"]))
        yield uploads
        for target in uploads.targets:
            _complete(s3, target, uploads.etags[done])
            done += 1
    finally:
        for target in uploads.targets[done:]:
            with suppress(AwsError), aws_errors("an upload cannot be given up"):
                s3.abort_multipart_upload(Bucket=target.bucket, Key=target.key, UploadId=target.upload_id)


def _complete(s3: Any, target: Target, etags: Sequence[str]) -> None:
    pieces = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
    with aws_errors(f"s3://{target.bucket}/{target.key} cannot be written"):
        s3.complete_multipart_upload(
            Bucket=target.bucket, Key=target.key, UploadId=target.upload_id, MultipartUpload={"Parts": pieces}
        )


@contextmanager
def written(folder_uri: str, name: str) -> Iterator[BinaryIO]:
    """A file to write, which takes its place at the end."""
    if folder_uri.startswith("s3://"):
        bucket, key = _object_of(folder_uri, name)
        with tempfile.TemporaryFile() as content:
            yield cast(BinaryIO, content)
            content.seek(0)
            with aws_errors(f"s3://{bucket}/{key} cannot be written"):
                client("s3").upload_fileobj(content, bucket, key, Config=TransferConfig(use_threads=False))
        return
    with _draft(folder_uri, name) as path, path.open("wb") as content:
        yield cast(BinaryIO, content)


def _object_of(folder_uri: str, name: str) -> tuple[str, str]:
    """The bucket and the key of a file below the folder."""
    bucket, _, prefix = folder_uri.removeprefix("s3://").partition("/")
    return bucket, f"{prefix}/{name}" if prefix else name


def _draft(folder: str, name: str) -> AbstractContextManager[Path]:
    target = Path(folder) / name
    target.parent.mkdir(parents=True, exist_ok=True)
    return draft(target)
