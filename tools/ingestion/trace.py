"""What happened to a file, from its announcement to its Parquet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

from common.aws.clients import aws_errors, client
from common.errors import InputError
from common.ingestion.items import ManifestRecord, TrackedFile
from common.ingestion.keys import manifest_key, timestamp
from common.ingestion.writes import Item
from tools.ingestion.stack import Ingestion

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_RUN = re.compile(r"\bjr_\w+")

Row = dict[str, Any]


def find(ingestion: Ingestion, name: str) -> list[TrackedFile]:
    """The versions of a file that the table has, given by name, object key, URI or key in the table; oldest first.

    Raises:
        InputError: there is none.
    """
    dates = dict.fromkeys(_DATE.findall(name.rpartition("/")[2]))
    found = _files((item for date in dates for item in ingestion.table.of_date(date)), name)
    found = found or _files(ingestion.table.scanned(), name)
    if not found:
        raise InputError(
            f"{name} is not tracked", "Give its name, key or s3:// URI; it is tracked once it is announced"
        )
    return sorted(found, key=lambda file: file.created_at)


def _files(items: Iterator[Item], name: str) -> list[TrackedFile]:
    names = ("file_name", "object_key", "file_path", "file_key")
    return [
        TrackedFile.from_item(item)
        for item in items
        if item.get("kind") == "file" and name in [item.get(attribute) for attribute in names]
    ]


def trace(ingestion: Ingestion, file: TrackedFile) -> Iterator[Row]:
    """A row for each step that a file took."""
    yield _row(
        file.created_at, "tracked", file.uri, version=file.version_id, bytes=file.file_size, date=file.date_prefix
    )
    if file.warning:
        yield _row(file.created_at, "warning", file.warning)
    if file.reason:
        yield _row(file.updated_at, "quarantined", file.reason)
    if file.manifest_id:
        for item in ingestion.table.read([manifest_key(file.date_prefix, file.manifest_id)]):
            yield from _manifest(ingestion, ManifestRecord.from_item(item), item)
    yield _row(file.updated_at, "state", str(file.status))


def _manifest(ingestion: Ingestion, record: ManifestRecord, item: Item) -> Iterator[Row]:
    yield _row(record.created_at, "manifest", record.manifest_path, files=record.file_count, bytes=record.bytes)
    for attempt in range(1, record.attempt + 1):
        name = f"{record.id}-{attempt}"
        if execution := ingestion.execution(name):
            yield _row(_text(execution["startDate"]), "execution", f"{name}: {execution['status']}")
    runs = dict.fromkeys([*([record.job_run_id] if record.job_run_id else []), *_RUN.findall(record.error or "")])
    for run in runs:
        yield from _run(ingestion.outputs["NdjsonToParquetJobName"], run)
    for key, size, changed in sorted(_objects(ingestion, record), key=itemgetter(2)):
        kind = "rejects" if key.startswith("rejects-") else "parquet"
        yield _row(_text(changed), kind, f"s3://{ingestion.outputs['ParquetBucketName']}/{key}", bytes=size)
    if "announced_at" in item:
        yield _row(str(item["announced_at"]), "batch", f"announced for {record.organisation}")
    if record.error:
        yield _row(record.updated_at, "failed", record.error)


def _run(job: str, identifier: str) -> Iterator[Row]:
    glue = client("glue")
    with aws_errors(f"run {identifier} of job {job} cannot be read"):
        try:
            found = glue.get_job_run(JobName=job, RunId=identifier)["JobRun"]
        except glue.exceptions.EntityNotFoundException:
            return
    seconds = found.get("ExecutionTime")
    yield _row(_text(found["StartedOn"]), "run", f"{identifier}: {found['JobRunState']}", seconds=seconds)


def _objects(ingestion: Ingestion, record: ManifestRecord) -> Iterator[tuple[str, int, datetime]]:
    bucket = ingestion.outputs["ParquetBucketName"]
    date = record.date_prefix
    with aws_errors(f"s3://{bucket} cannot be listed"):
        for prefix in (f"merged-parquet-{date}/{record.id}-", f"rejects-{date}/{record.id}."):
            listed = client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)
            for entry in listed.get("Contents", ()):
                if entry["Size"]:  # a run without rejects leaves an empty object
                    yield entry["Key"], entry["Size"], entry["LastModified"]


def _row(at: str, step: str, what: str, **details: Any) -> Row:
    known = " ".join(f"{name}={value}" for name, value in details.items() if value is not None)
    return {"at": at, "step": step, "what": what, "details": known}


def _text(moment: datetime) -> str:
    return timestamp(moment.astimezone(UTC))
