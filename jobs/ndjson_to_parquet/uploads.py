"""Objects in S3 that are uploaded in pieces and completed together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

from boto3.s3.transfer import TransferConfig

from common.aws.clients import aws_errors, client
from common.errors import AwsError
from common.storage.filesystems import bucket_and_key
from jobs.ndjson_to_parquet.outputs import Outputs, Target

CHUNK_BYTES = 16 * 1024 * 1024


@contextmanager
def uploads(folder_uri: str, names: Sequence[str]) -> Iterator[Outputs]:
    """Uploads that are completed at the end, and given up after an error.

    Raises:
        AwsError: they cannot be begun or completed.
    """
    s3 = client("s3")
    found = Outputs([])
    done = 0
    try:
        for name in names:
            bucket, key = bucket_and_key(f"{folder_uri}/{name}")
            with aws_errors(f"s3://{bucket}/{key} cannot be written"):
                begun = s3.create_multipart_upload(Bucket=bucket, Key=key)
            found.targets.append(Target(bucket=bucket, key=key, upload_id=begun["UploadId"]))
        yield found
        for target in found.targets:
            _complete(s3, target, found.etags[done])
            done += 1
    finally:
        for target in found.targets[done:]:
            with suppress(AwsError), aws_errors("an upload cannot be given up"):
                s3.abort_multipart_upload(Bucket=target.bucket, Key=target.key, UploadId=target.upload_id)


def send(content: BinaryIO, target: Target) -> tuple[str, ...]:
    """Uploads the pieces of a file; their ETags."""
    s3 = client("s3")
    etags: list[str] = []
    content.seek(0)
    while chunk := content.read(CHUNK_BYTES):
        where = {"Bucket": target.bucket, "Key": target.key, "UploadId": target.upload_id, "PartNumber": len(etags) + 1}
        with aws_errors(f"s3://{target.bucket}/{target.key} cannot be written"):
            etags.append(str(s3.upload_part(**where, Body=chunk)["ETag"]))
    return tuple(etags)


def upload(content: BinaryIO, folder_uri: str, name: str) -> None:
    """Uploads a file whole."""
    bucket, key = bucket_and_key(f"{folder_uri}/{name}")
    with aws_errors(f"s3://{bucket}/{key} cannot be written"):
        client("s3").upload_fileobj(content, bucket, key, Config=TransferConfig(use_threads=False))


def _complete(s3: Any, target: Target, etags: Sequence[str]) -> None:
    pieces = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
    with aws_errors(f"s3://{target.bucket}/{target.key} cannot be written"):
        s3.complete_multipart_upload(
            Bucket=target.bucket, Key=target.key, UploadId=target.upload_id, MultipartUpload={"Parts": pieces}
        )
