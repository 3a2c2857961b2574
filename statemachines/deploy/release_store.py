"""The record of an environment's releases in its artifacts bucket, and the texts that it refers to."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any

from botocore.exceptions import ClientError
from pydantic import ConfigDict, TypeAdapter, ValidationError

from common.aws.clients import S3_CHANGED, S3_GONE, aws_errors, client
from common.errors import DeploymentError, one_line

FILE = "release.json"
FOLDER = "releases/"

Release = dict[str, Any]
"""Its number and that of the one before, tag, times, and what all parts were: `release_parts.deployed`."""


@dataclass
class Record:
    """What is known of the releases of an environment.

    Attributes:
        current: the number of the release that is deployed; None before the first.
        underway: `deploy`, or the number of the release to which a rollback goes; None where neither was interrupted.
        last: the highest number that a release had.
        releases: those that are kept, the oldest first.
        leaving: images of releases that are not kept any more, until they are removed.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    current: int | None = None
    underway: str | int | None = None
    last: int = 0
    releases: list[Release] = field(default_factory=list)
    leaving: list[str] = field(default_factory=list)

    def numbered(self, number: int | None) -> Release | None:
        """The release with that number; None where there is none any more."""
        return next((one for one in self.releases if one["number"] == number), None)

    def chain(self, most: int) -> list[Release]:
        """The release that is deployed, the one before it, and so on: at most so many."""
        found: list[Release] = []
        number = self.current
        while len(found) < most and (release := self.numbered(number)):
            found.append(release)
            number = release["before"]
        return found


class Store:
    """The record, and texts by their SHA-256: templates and definitions, which many releases have in common."""

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket
        self._s3 = client("s3")

    def read(self) -> Record:
        """The record; an empty one where there is none.

        Raises:
            DeploymentError: it is damaged.
            AwsError: it cannot be read.
        """
        content = self._get(FILE)
        try:
            return Record() if content is None else TypeAdapter(Record).validate_json(content)
        except ValidationError as error:
            raise DeploymentError(
                f"s3://{self.bucket}/{FILE} is no record of releases: {one_line(error)}",
                "Bring its version before back",
            ) from None

    def write(self, record: Record) -> None:
        """Writes the record; who reads it meanwhile sees the old one or the new.

        Raises:
            AwsError: it cannot be written.
        """
        with aws_errors(f"s3://{self.bucket}/{FILE} cannot be written"):
            self._s3.put_object(Bucket=self.bucket, Key=FILE, Body=f"{json.dumps(asdict(record), indent=1)}\n".encode())

    def keep(self, text: str) -> str:
        """The SHA-256 under which the text is kept.

        Raises:
            AwsError: it cannot be written.
        """
        digest = sha256(text.encode()).hexdigest()
        with aws_errors(f"s3://{self.bucket}/{FOLDER}{digest} cannot be written"):
            try:
                self._s3.put_object(Bucket=self.bucket, Key=f"{FOLDER}{digest}", Body=text.encode(), IfNoneMatch="*")
            except ClientError as error:
                if error.response["Error"]["Code"] not in S3_CHANGED:
                    raise
        return digest

    def text(self, digest: str) -> str:
        """The text that was kept.

        Raises:
            DeploymentError: it is missing, or is another one.
            AwsError: it cannot be read.
        """
        content = self.content(f"{FOLDER}{digest}", digest)
        return content.decode()

    def content(self, key: str, digest: str) -> bytes:
        """The object with this SHA-256.

        Raises:
            DeploymentError: it is missing, or is another one.
            AwsError: it cannot be read.
        """
        content = self._get(key)
        if content is None or sha256(content).hexdigest() != digest:
            is_what = "missing" if content is None else "not what was deployed"
            raise DeploymentError(
                f"s3://{self.bucket}/{key}, which the release needs, is {is_what}", "Bring its version before back"
            )
        return content

    def digest(self, key: str) -> str | None:
        """The SHA-256 of an object; None where there is none.

        Raises:
            AwsError: it cannot be read.
        """
        content = self._get(key)
        return None if content is None else sha256(content).hexdigest()

    def keys(self, folder: str) -> list[str]:
        """The keys of the objects below a folder.

        Raises:
            AwsError: they cannot be listed.
        """
        with aws_errors(f"s3://{self.bucket}/{folder} cannot be listed"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=folder)
            return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def remove(self, key: str) -> None:
        """Removes an object; it may be gone already.

        Raises:
            AwsError: it cannot be removed.
        """
        with aws_errors(f"s3://{self.bucket}/{key} cannot be removed"):
            self._s3.delete_object(Bucket=self.bucket, Key=key)

    def _get(self, key: str) -> bytes | None:
        with aws_errors(f"s3://{self.bucket}/{key} cannot be read"):
            try:
                return bytes(self._s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())
            except ClientError as error:
                if error.response["Error"]["Code"] in S3_GONE | {"NoSuchBucket"}:
                    return None
                raise
