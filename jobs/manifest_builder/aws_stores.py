"""S3 and Step Functions as the builder uses them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from common.aws.clients import aws_errors, client
from common.errors import StorageError
from common.ingestion.events import Announced
from common.ingestion.table import TrackingTable
from jobs.manifest_builder.config import BuilderConfig
from jobs.manifest_builder.stores import Stores

GIB = 1 << 30
COPY = TransferConfig(multipart_threshold=GIB, multipart_chunksize=GIB // 4, use_threads=False)
"""Copies of one part keep the ETag, so it can be verified."""

GONE = {"404", "NoSuchKey", "NoSuchVersion", "NotFound", "412", "PreconditionFailed"}
GOES_ON = {"RUNNING", "PENDING_REDRIVE"}


def aws_stores(config: BuilderConfig) -> Stores:
    """The table, buckets and state machine of the configuration."""
    executions = StateMachine(config.step_function_arn) if config.step_function_arn else None
    return Stores(TrackingTable(config.table), Buckets(), executions, _now, _new_id)


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return uuid.uuid4().hex


@dataclass(frozen=True)
class Buckets:
    """Objects in S3."""

    s3: Any = field(default_factory=lambda: client("s3"))

    def found(self, announced: Announced) -> Announced | None:
        """The object with its size and ETag; None if it is gone.

        Raises:
            AwsError: the object cannot be read.
        """
        head = self._head(announced.bucket, announced.key, announced.version_id)
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
                if _code(error) == "PreconditionFailed":
                    return False
                raise
        return True

    def copied(self, announced: Announced, bucket: str, key: str, metadata: Mapping[str, str]) -> bool:
        """Copies the announced version, and verifies size and ETag of the copy; False if that version is gone.

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
                self.s3.copy(source, bucket, key, ExtraArgs=extra, Config=COPY)
            except ClientError as error:
                if _code(error) in GONE:
                    return False
                raise
        head = self._head(bucket, key) or {}
        etag, is_encrypted = head.get("ETag", "").strip('"'), head.get("ServerSideEncryption", "").startswith("aws:kms")
        is_comparable = not is_encrypted and "-" not in f"{etag}{announced.etag or '-'}"
        if head.get("ContentLength") != announced.size or (is_comparable and etag != announced.etag):
            raise StorageError(
                f"the copy s3://{bucket}/{key} has {head.get('ContentLength')} bytes and ETag {etag}, but the original "
                f"{announced.size} and {announced.etag}",
                "It is copied again when the file is announced again",
            )
        return True

    def _head(self, bucket: str, key: str, version_id: str | None = None) -> dict[str, Any] | None:
        version = {"VersionId": version_id} if version_id else {}
        with aws_errors(f"s3://{bucket}/{key} cannot be read"):
            try:
                found: dict[str, Any] = self.s3.head_object(Bucket=bucket, Key=key, **version)
            except ClientError as error:
                if _code(error) in GONE:
                    return None
                raise
        return found


@dataclass(frozen=True)
class StateMachine:
    """The executions of the state machine with this ARN."""

    arn: str
    steps: Any = field(default_factory=lambda: client("stepfunctions"))

    def start(self, name: str, text: str) -> bool:
        """Starts an execution with this input, if none of the name exists; False if one may have ended.

        Raises:
            AwsError: it cannot be started.
        """
        with aws_errors(f"execution {name} of {self.arn} cannot be started"):
            try:
                self.steps.start_execution(stateMachineArn=self.arn, name=name, input=text)
            except self.steps.exceptions.ExecutionAlreadyExists:
                return False
        return True

    def end_of(self, name: str) -> str | None:
        """How an execution ended, like ABORTED; None if it goes on.

        Raises:
            AwsError: it cannot be described.
        """
        machine = ":".join(self.arn.split(":")[:7])  # without version or alias
        with aws_errors(f"execution {name} of {self.arn} cannot be described"):
            try:
                found = self.steps.describe_execution(
                    executionArn=f"{machine.replace(':stateMachine:', ':execution:')}:{name}"
                )
            except self.steps.exceptions.ExecutionDoesNotExist:
                return "unknown"
        return None if found["status"] in GOES_ON else str(found["status"])


def _code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])
