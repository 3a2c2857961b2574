"""Tracks an announced file: validated, dated, and once for each version of an object."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from common.errors import InputError
from common.ingestion.events import Announced
from common.ingestion.items import TrackedFile
from common.ingestion.keys import file_key, timestamp
from common.ingestion.states import FileState
from common.ingestion.writes import Item, put_new
from jobs.manifest_builder.config import BuilderConfig
from jobs.manifest_builder.dates import FileDate, file_date
from jobs.manifest_builder.log import say
from jobs.manifest_builder.stores import Stores
from jobs.manifest_builder.validation import problem


@dataclass(frozen=True)
class Tracked:
    """What became of an announced file; `date_prefix` is where it may be pending, None if it is not."""

    outcome: Literal["processed", "duplicates", "quarantined", "ignored"]
    date_prefix: str | None = None


def track(announced: Announced, config: BuilderConfig, stores: Stores) -> Tracked:
    """Puts the file into the table as pending or quarantined, unless it is there.

    Raises:
        InputError: the object is in a bucket whose files are not to be taken.
        AwsError: the table or a bucket cannot be used, or a copy differs from its original.
    """
    say("file", "announced", bucket=announced.bucket, key=announced.key, size=announced.size)
    _check_bucket(announced, config)
    if announced.is_folder:
        return Tracked("ignored")
    complete = announced
    if announced.size is None or not (announced.etag or announced.version_id):
        found = stores.objects.found(announced)
        if found is None:
            say("file", "gone", "warning", bucket=announced.bucket, key=announced.key)
            return Tracked("ignored")
        complete = found
    dated = file_date(complete.key, stores.now().date())
    return _track(_file(complete, dated, config, stores), complete, dated, config, stores)


def _check_bucket(announced: Announced, config: BuilderConfig) -> None:
    own = (config.manifest_bucket, config.quarantine_bucket)
    if announced.bucket in own or announced.bucket != (config.landing_bucket or announced.bucket):
        raise InputError(
            f"s3://{announced.bucket}/{announced.key} is not in the bucket where files land",
            "Correct the notifications of this bucket, or LANDING_BUCKET",
        )


def _file(announced: Announced, dated: FileDate, config: BuilderConfig, stores: Stores) -> TrackedFile:
    """The file as the table is to have it."""
    size, now = announced.size or 0, stores.now()
    reason = problem(announced.key, size, config.expected_file_size_mb, config.size_tolerance_percent)
    route = config.route_of(announced.key)
    return TrackedFile(
        date_prefix=dated.date_prefix,
        file_key=file_key(announced.bucket, announced.key, announced.version_id or announced.etag or ""),
        file_name=announced.key.rpartition("/")[2],
        bucket=announced.bucket,
        object_key=announced.key,
        etag=announced.etag or "",
        file_size=size,
        status=FileState.QUARANTINED if reason else FileState.PENDING,
        created_at=timestamp(now),
        updated_at=timestamp(now),
        version_id=announced.version_id,
        route=route.route if route else None,
        organisation=route.organisation if route else None,
        reason=reason,
        warning=dated.warning,
        sequencer=announced.sequencer,
        expires_at=config.expires_at(now) if reason else None,
    )


def _track(file: TrackedFile, announced: Announced, dated: FileDate, config: BuilderConfig, stores: Stores) -> Tracked:
    home = dated.home, file.file_key
    if file.reason:
        if stores.table.read([home]):
            return Tracked("duplicates")
        file = _quarantined(file, announced, config, stores)
    # a file that is not tracked under the date of its name leaves a mark there: announced on another day, it is known
    mark = [put_new(home, _mark(file, config, stores))] if home != file.key else []
    if stores.table.write(*mark, put_new(file.key, file.to_item())):
        say("file", "tracked", key=file.file_key, date=file.date_prefix, status=file.status)
        if file.warning:
            say("file", "dated", "warning", key=file.file_key, date=file.date_prefix, message=file.warning)
        return Tracked("quarantined") if file.reason else Tracked("processed", file.date_prefix)
    known = next(iter(stores.table.read([home])), None) if mark else None
    return Tracked("duplicates", str(known.get("tracked_in", dated.home)) if known else file.date_prefix)


def _mark(file: TrackedFile, config: BuilderConfig, stores: Stores) -> Item:
    """What says under which date the file is tracked."""
    until = config.expires_at(stores.now())
    return {"kind": "mark", "tracked_in": file.date_prefix} | ({"expires_at": until} if until else {})


def _quarantined(file: TrackedFile, announced: Announced, config: BuilderConfig, stores: Stores) -> TrackedFile:
    """The file, once a copy of it is in the quarantine bucket."""
    say("quarantine", "invalid", "warning", key=file.file_key, reason=file.reason)
    if config.quarantine_bucket is None:
        say("quarantine", "skipped", "warning", key=file.file_key, message="there is no quarantine bucket")
        return file
    key = f"{file.date_prefix}/{file.file_key}"
    metadata = {"reason": str(file.reason), "source-bucket": file.bucket, "source-etag": file.etag}
    metadata |= {"source-version": file.version_id} if file.version_id else {}
    if stores.objects.copied(announced, config.quarantine_bucket, key, metadata):
        return file
    return replace(file, reason=f"{file.reason}; the object is gone, so it was not copied")
