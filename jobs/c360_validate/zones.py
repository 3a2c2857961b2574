"""The zones as the validation uses them: on the local disk, and in S3."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from botocore.exceptions import ClientError

from common.aws.clients import S3_CHANGED, S3_GONE, aws_errors
from common.c360.zones import DELIVERED_AT
from common.errors import StorageError
from common.ingestion.document import SourceFile
from common.ingestion.events import Announced
from common.ingestion.objects import Buckets
from common.logs.packing import PIECE_BYTES
from common.ndjson.sources import SourceGoneError, opened
from common.storage.drafts import draft, remove_dead_drafts
from common.storage.files import Folder
from common.storage.filesystems import bucket_and_key

AGAIN = "Validate it again: the command goes on where it was"


@dataclass(frozen=True)
class RawFile:
    """A file of `raw`: its name below it, when it was delivered (UTC), and which bytes it had then.

    Attributes:
        stamp: of a local file, what changes when it is written.
    """

    name: str
    file: SourceFile
    delivered: datetime
    stamp: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """Its bytes."""
        return self.file.size or 0

    def opened(self) -> BinaryIO:
        """Its content.

        Raises:
            SourceGoneError: it is gone, or has other bytes now.
        """
        return opened(self.file)


class Zones(Protocol):
    """The zones below one URI."""

    @property
    def folder(self) -> Folder:
        """All of them."""

    def found(self, name: str, version_id: str | None = None) -> RawFile | None:
        """The file of `raw` with this name; None if it is gone."""

    def copied(self, raw: RawFile, target: str, sha256: str) -> bool:
        """Copies a file to a place where nothing is replaced, and verifies the copy; False if it has changed."""

    def removed(self, raw: RawFile) -> bool:
        """Removes the file from `raw`; False if other bytes have its name now."""


def zones_at(uri: str) -> Zones:
    """The zones below this normal URI."""
    return S3Zones(Folder(uri)) if uri.startswith("s3://") else LocalZones(Folder(uri))


@dataclass(frozen=True)
class LocalZones:
    """Zones that are folders."""

    folder: Folder

    def found(self, name: str, version_id: str | None = None) -> RawFile | None:
        """As `Zones.found`; files have no versions."""
        path = self._path(f"raw/{name}")
        try:
            status = path.stat()
        except FileNotFoundError:
            return None
        delivered = datetime.fromtimestamp(status.st_mtime_ns // 1000 / 1e6, UTC)
        return RawFile(name, SourceFile(str(path), size=status.st_size), delivered, _stamp(status))

    def copied(self, raw: RawFile, target: str, sha256: str) -> bool:
        """As `Zones.copied`."""
        source, place = Path(raw.file.uri), self._path(target)
        copy = self._path(target.partition("/")[0]) / "copy"
        remove_dead_drafts(copy)
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            try:
                with draft(place, replace=False, beside=copy) as path:
                    _copy(source, path, sha256)
                    os.utime(path, ns=(raw.stamp[1], raw.stamp[1]))
            except SourceGoneError:
                return False
        if _sha256(place) != sha256:
            raise StorageError(f"{place} has other bytes than its name says", "Restore it, and validate the file again")
        return True

    def removed(self, raw: RawFile) -> bool:
        """As `Zones.removed`."""
        path = Path(raw.file.uri)
        try:
            if _stamp(path.stat()) != raw.stamp:
                return False
            path.unlink()
        except FileNotFoundError:
            return True
        return True

    def _path(self, name: str) -> Path:
        return Path(self.folder.uri) / name


@dataclass(frozen=True)
class S3Zones:
    """Zones that are prefixes of a bucket."""

    folder: Folder
    buckets: Buckets = field(default_factory=Buckets)

    def found(self, name: str, version_id: str | None = None) -> RawFile | None:
        """As `Zones.found`."""
        bucket, key = self._place(f"raw/{name}")
        head = self.buckets.head(bucket, key, version_id)
        if head is None:
            return None
        version = version_id or head.get("VersionId")
        etag = head["ETag"].strip('"')
        file = SourceFile(f"s3://{bucket}/{key}", bucket, key, version, etag, head["ContentLength"])
        return RawFile(name, file, head["LastModified"].astimezone(UTC))

    def copied(self, raw: RawFile, target: str, sha256: str) -> bool:
        """As `Zones.copied`: the copy is one of the bytes whose ETag was read, which S3 verifies."""
        file, (bucket, key) = raw.file, self._place(target)
        announced = Announced(file.bucket, file.key, file.size, file.etag, file.version_id)
        metadata = {DELIVERED_AT: raw.delivered.isoformat(timespec="microseconds"), "sha256": sha256}
        there = self.buckets.head(bucket, key)
        if there is None:
            return self.buckets.copied(announced, bucket, key, metadata, is_kept=True)
        if there["ContentLength"] != file.size or there.get("Metadata", {}).get("sha256", sha256) != sha256:
            raise StorageError(f"s3://{bucket}/{key} has other bytes than its name says", AGAIN)
        return True

    def removed(self, raw: RawFile) -> bool:
        """As `Zones.removed`."""
        file = raw.file
        which: dict[str, Any] = {"VersionId": file.version_id} if file.version_id else {"IfMatch": f'"{file.etag}"'}
        with aws_errors(f"{file.uri} cannot be removed"):
            try:
                self.buckets.s3.delete_object(Bucket=file.bucket, Key=file.key, **which)
            except ClientError as error:
                if error.response["Error"]["Code"] not in S3_GONE | S3_CHANGED:
                    raise
                return False
        return True

    def _place(self, name: str) -> tuple[str, str]:
        return bucket_and_key(f"{self.folder.uri}/{name}")


def _stamp(status: os.stat_result) -> tuple[int, ...]:
    return status.st_size, status.st_mtime_ns, status.st_ino


def _copy(source: Path, path: Path, sha256: str) -> None:
    """Copies the file to the path.

    Raises:
        SourceGoneError: it is gone, or has other bytes than this hash says.
    """
    try:
        with source.open("rb") as stream, path.open("wb") as copy:
            shutil.copyfileobj(stream, copy, PIECE_BYTES)
            copy.flush()
            os.fsync(copy.fileno())
    except FileNotFoundError:
        raise SourceGoneError("the file does not exist any more") from None
    if _sha256(path) != sha256:
        raise SourceGoneError("the file was written while it was copied")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
