"""Files put into the landing bucket, and how far ingestion is with them, as the tracking table says."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from common.ingestion.keys import manifest_key
from localaws.cli.errors import LocalAwsError
from localaws.cli.process import LocalAws
from localaws.cli.scoring import Scoring
from statemachines.deploy.described import read_outputs

STACK = "ndr-ingestion"
POLL_SECONDS = 0.5
FAILED = ("failed", "not scored")
ENDED = ("completed", "quarantined", "scored", *FAILED)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
SHORT_WAIT = timedelta(seconds=10)
_NAME_CHARACTERS = 100
"""How much of a name the keys of the table are looked up with: they cut long ones off."""


@dataclass(frozen=True)
class Upload:
    """One version of an object, and its state: `uploaded` until the table has it.

    `note` is the manifest that it is in, or why it is quarantined or what is unusual about it, and what to do; or the
    window in which it is scored. `is_announced` says that a completed one has been handed on, to be scored.
    """

    name: str
    bucket: str
    key: str
    version: str
    state: str = "uploaded"
    note: str = ""
    is_announced: bool = False

    @property
    def has_ended(self) -> bool:
        """Whether nothing more happens to it by itself."""
        return self.state in ENDED and not (self.state == "completed" and self.is_announced)


class Landing:
    """The landing bucket of a local AWS, and its tracking table."""

    def __init__(self, local: LocalAws) -> None:
        outputs = read_outputs(local.client("cloudformation"), STACK)
        self._bucket, self._table = outputs["LandingBucketName"], outputs["FileTrackingTable"]
        self._s3, self._dynamodb = local.client("s3"), local.client("dynamodb")
        self._scoring = Scoring(local)

    def put(self, path: Path, prefix: str) -> Upload:
        """Uploads a file under its name after the prefix.

        Raises:
            LocalAwsError: the file cannot be read.
        """
        key = f"{prefix.strip('/')}/{path.name}".lstrip("/")
        try:
            with path.open("rb") as file:
                done = self._s3.put_object(Bucket=self._bucket, Key=key, Body=file)
        except OSError as error:
            raise LocalAwsError(f"{path} cannot be read: {error.strerror}", "Name files that can be read") from error
        return Upload(path.name, self._bucket, key, done.get("VersionId") or done["ETag"].strip('"'))

    def changes(self, uploads: Iterable[Upload]) -> Iterator[Upload]:
        """Each upload whenever its state or note has changed, until all have ended."""
        going_on = [upload for upload in uploads if not upload.has_ended]
        while going_on:
            looked_up = [self.look_up(upload) for upload in going_on]
            yield from (new for new, old in zip(looked_up, going_on, strict=True) if new != old)
            going_on = [upload for upload in looked_up if not upload.has_ended]
            if going_on:
                time.sleep(POLL_SECONDS)

    def look_up(self, upload: Upload) -> Upload:
        """The upload with its present state.

        It is in the partition of a date of its name, or of the day on which it was tracked: that of the upload, or
        the next one.
        """
        now = datetime.now(UTC)
        days = [f"{day:%Y-%m-%d}" for day in (now, now - timedelta(days=1))]
        for date in [*_DATE.findall(upload.name), *days]:
            for item in self._items(date, upload):
                texts = {name: value["S"] for name, value in item.items() if "S" in value}
                now_seen = replace(upload, state=texts["status"], note=_note(upload.name, texts, now))
                return self._scored(now_seen, texts) if texts.get("route") == "ndr" else now_seen
        return upload

    def _scored(self, upload: Upload, item: Mapping[str, str]) -> Upload:
        """The upload as the detection has it, once it is announced to it."""
        if upload.state != "completed":
            return upload
        date, key = manifest_key(item["date_prefix"], item["manifest_id"])
        record = self._dynamodb.get_item(
            TableName=self._table, Key={"date_prefix": {"S": date}, "file_key": {"S": key}}, ConsistentRead=True
        )
        if "announced_at" not in record.get("Item", {}):
            return upload
        end = self._scoring.end_of(item["manifest_id"])
        return replace(upload, state=end[0], note=end[1]) if end else replace(upload, is_announced=True)

    def _items(self, date: str, upload: Upload) -> list[dict[str, Any]]:
        values = {
            ":date": date,
            ":name": upload.name[:_NAME_CHARACTERS],
            ":bucket": upload.bucket,
            ":key": upload.key,
            ":version": upload.version,
        }
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression="date_prefix = :date AND begins_with(file_key, :name)",
            FilterExpression="#b = :bucket AND object_key = :key AND (version_id = :version OR etag = :version)",
            ExpressionAttributeNames={"#b": "bucket"},
            ExpressionAttributeValues={name: {"S": value} for name, value in values.items()},
        )
        return [item for page in pages for item in page["Items"]]


def _note(name: str, item: Mapping[str, str], now: datetime) -> str:
    """What to say of the item besides its state; of one that is pending for a while, what ends that."""
    if "reason" in item:
        return item["reason"]
    manifest = f"manifest {item['manifest_id']}" if "manifest_id" in item else ""
    match item["status"]:
        case "pending" if not manifest:
            waits = now - datetime.fromisoformat(item["created_at"]) > SHORT_WAIT
            hint = "waits for more files; ndr-ingestion flush ends that" if waits else ""
            return "; ".join(filter(None, (item.get("warning"), hint)))
        case "failed":
            return "; ".join(filter(None, (manifest, f"ndr-ingestion trace {name} says why")))
    return manifest
