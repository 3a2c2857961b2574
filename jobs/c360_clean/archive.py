"""The files of the archive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property

from common.c360.partitions import CleanSource, read_partition
from common.c360.zones import DELIVERED_AT
from common.errors import InputError
from common.ingestion.document import SourceFile
from common.ingestion.objects import Buckets
from common.storage.files import Entry, Folder
from common.storage.filesystems import bucket_and_key


@dataclass(frozen=True)
class ArchivedFile:
    """A file of the archive: as the manifest of a partition names it, its bytes, and when it was delivered (UTC)."""

    source: CleanSource
    file: SourceFile
    delivered: datetime


def sources(dataset: str, entries: list[Entry]) -> tuple[CleanSource, ...]:
    """The files as the manifest of a partition names them, without what became of their rows."""
    return tuple(
        CleanSource(entry.name.removeprefix(f"{dataset}/"), entry.size, entry.modified.isoformat())
        for entry in entries
        if entry.size
    )


def has_changed(clean: Folder, dataset: str, day: date, entries: list[Entry]) -> bool:
    """Whether the archive of a day has other files than its partition is made of."""
    partition = read_partition(clean, dataset, day)
    found = {(one.name, one.bytes, one.modified) for one in sources(dataset, entries)}
    return found != {(one.name, one.bytes, one.modified) for one in (partition.sources if partition else ())}


class Archive(Folder):
    """The archive, below its URI."""

    @cached_property
    def _buckets(self) -> Buckets:
        return Buckets()

    def file(self, dataset: str, source: CleanSource) -> ArchivedFile:
        """The file with its delivery: the metadata of the object, or the mtime of the file.

        Raises:
            InputError: it is gone.
            AwsError: it cannot be read.
        """
        uri = f"{self.uri}/{dataset}/{source.name}"
        modified = datetime.fromisoformat(source.modified)
        if not self.is_remote:
            return ArchivedFile(source, SourceFile(uri, size=source.bytes), modified)
        bucket, key = bucket_and_key(uri)
        head = self._buckets.head(bucket, key)
        if head is None:
            raise InputError(
                f"{uri} does not exist any more", "Nothing may be removed from the archive; run the job again"
            )
        delivered = head.get("Metadata", {}).get(DELIVERED_AT)
        file = SourceFile(uri, bucket, key, head.get("VersionId"), head["ETag"].strip('"'), head["ContentLength"])
        return ArchivedFile(source, file, datetime.fromisoformat(delivered).astimezone(UTC) if delivered else modified)
