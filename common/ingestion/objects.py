"""Objects in S3: found, put once, copied and verified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from common.aws.clients import S3_CHANGED, S3_GONE, aws_errors, client
from common.errors import StorageError
from common.ingestion.events import Announced

GIB = 1 << 30
COPY = TransferConfig(multipart_threshold=GIB, multipart_chunksize=GIB // 4, use_threads=False)
"""Copies of one part keep the ETag, so it can be verified."""


@dataclass(frozen=True)
class Buckets:
    """Objects in S3."""

    s3: Any = field(default_factory=lambda: client("s3"))

    def found(self, announced: Announced) -> Announced | None:
        """The object with its size and ETag; None if it is gone.

        Raises:
            AwsError: the object cannot be read.
        """
        head = self.head(announced.bucket, announced.key, announced.version_id)
        return replace(announced, size=head["ContentLength"], etag=head["ETag"].strip('"')) if head else None

    def put_new(self, bucket: str, key: str, content: bytes) -> bool:
        """Writes an object; False if there is one with the key.

        Raises:
            AwsError: the bucket cannot be written.
        """
        with aws_errors(f"s3://{bucket}/{key} cannot be written"):
            try:
                self.s3.put_object(
                    Bucket=bucket, Key=key, Body=content, ContentType="application/json", IfNoneMatch="*"
                )
            except ClientError as error:
                if _code(error) in S3_CHANGED:
                    return False
                raise
        return True

    def copied(
        self, announced: Announced, bucket: str, key: str, metadata: Mapping[str, str], is_kept: bool = False
    ) -> bool:
        """Copies the announced version, and verifies size and ETag of the copy; False if that version is gone.

        With `is_kept`, an object that is there is not replaced, and verified instead.

        Of copies in parts, and of those that KMS encrypts, the ETag is another one; S3 verifies their parts itself.

        Raises:
            AwsError: the object cannot be read, or the bucket cannot be written.
            StorageError: the copy differs.
        """
        source = {"Bucket": announced.bucket, "Key": announced.key}
        source |= {"VersionId": announced.version_id} if announced.version_id else {}
        extra = {"Metadata": dict(metadata), "MetadataDirective": "REPLACE"}
        extra |= {"CopySourceIfMatch": f'"{announced.etag}"'} if announced.etag else {}
        with aws_errors(f"s3://{announced.bucket}/{announced.key} cannot be copied to s3://{bucket}/{key}"):
            try:
                if is_kept and (announced.size or 0) < GIB:  # only a copy of one part has a condition
                    self.s3.copy_object(CopySource=source, Bucket=bucket, Key=key, IfNoneMatch="*", **extra)
                else:
                    self.s3.copy(source, bucket, key, ExtraArgs=extra, Config=COPY)
            except ClientError as error:
                if _code(error) not in S3_GONE | S3_CHANGED:
                    raise
                if not (is_kept and self.head(bucket, key)):
                    return False
        head = self.head(bucket, key) or {}
        etag, is_encrypted = head.get("ETag", "").strip('"'), head.get("ServerSideEncryption", "").startswith("aws:kms")
        is_comparable = not is_encrypted and "-" not in f"{etag}{announced.etag or '-'}"
        if head.get("ContentLength") != announced.size or (is_comparable and etag != announced.etag):
            raise StorageError(
                f"the copy s3://{bucket}/{key} has {head.get('ContentLength')} bytes and ETag {etag}, but the original "
                f"{announced.size} and {announced.etag}",
                "It is copied again when the file is announced again",
            )
        return True

    def head(self, bucket: str, key: str, version_id: str | None = None) -> dict[str, Any] | None:
        """What S3 says of an object; None if it is gone.

        Raises:
            AwsError: the object cannot be read.
        """
        version = {"VersionId": version_id} if version_id else {}
        with aws_errors(f"s3://{bucket}/{key} cannot be read"):
            try:
                found: dict[str, Any] = self.s3.head_object(Bucket=bucket, Key=key, **version)
            except ClientError as error:
                if _code(error) in S3_GONE:
                    return None
                raise
        return found


def _code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])
