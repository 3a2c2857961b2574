"""Zones in S3."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import pyarrow.parquet as pq
import pytest

from common.aws.clients import client
from common.ingestion import objects
from jobs.c360_clean.archive import Archive, ArchivedFile
from jobs.c360_clean.cli import main
from tests.commands import call
from tests.jobs.c360_clean.days import DAY, events
from tests.jobs.c360_validate.conftest import aws, environment, moto_server

__all__ = ["aws", "environment", "moto_server"]
KEY = f"archive/activity_logs/{DAY}/f.0123456789abcdef"
PLACE = f"clean/activity_logs/load_date={DAY}"


def put(s3: Any, content: bytes, key: str = KEY) -> None:
    s3.put_object(Bucket="zones", Key=key, Body=content, Metadata={"delivered-at": "2025-01-03T04:05:06.000007+00:00"})


def clean(*arguments: str) -> tuple[int, str]:
    code, _, error = call(main, "--archive", "s3://zones/archive", "--clean", "s3://zones/clean", "--load-date", DAY,
                          "--processes", "1", *arguments)  # fmt: skip
    return code, error


def keys(s3: Any, prefix: str = "clean/") -> list[str]:
    """All but the empty ones that stand for folders."""
    found = (one["Key"] for one in s3.list_objects_v2(Bucket="zones", Prefix=prefix).get("Contents", ()))
    return [key for key in found if not key.endswith("/")]


def rows(s3: Any) -> list[dict[str, Any]]:
    """What the manifest names."""
    manifest = json.loads(s3.get_object(Bucket="zones", Key=f"{PLACE}/manifest.json")["Body"].read())
    bodies = (s3.get_object(Bucket="zones", Key=f"{PLACE}/{file['name']}")["Body"].read() for file in manifest["files"])
    return [row for body in bodies for row in pq.read_table(io.BytesIO(body)).to_pylist()]


def test_objects_become_objects_with_the_time_of_their_delivery(aws: Any) -> None:
    put(aws, events(3))
    assert clean()[0] == 0
    found = rows(aws)
    assert [row["event_id"] for row in found] == ["e0", "e1", "e2"]
    assert {row["file_time"] for row in found} == {datetime(2025, 1, 3, 4, 5, 6, 7, UTC)}
    assert {row["source_file"] for row in found} == {f"{DAY}/f.0123456789abcdef"}
    put(aws, events(2), KEY.replace("/f.", "/g."))
    assert clean()[0] == 0
    assert len(rows(aws)) == 5 and len(keys(aws)) == 2


def test_all_files_of_the_archive_are_looked_up_by_one_client(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        put(aws, events(1), f"{KEY}.{number}")
        put(aws, events(1), f"{KEY}.{number}".replace("activity_logs", "customers"))
    made: list[str] = []

    def counted(service: str) -> Any:
        made.append(service)
        return client(service)

    monkeypatch.setattr(objects, "client", counted)
    assert clean()[0] == 0
    assert made == ["s3"]


def test_late_files_are_seen_by_their_names(aws: Any) -> None:
    put(aws, events(1), KEY.replace(DAY, "2025-01-01"))
    assert clean("--late-days", "1")[0] == 0
    before = keys(aws)
    assert before[0].startswith("clean/activity_logs/load_date=2025-01-01/")
    manifest = aws.head_object(Bucket="zones", Key=before[0])["LastModified"]
    assert clean("--late-days", "1")[0] == 0
    assert keys(aws) == before and aws.head_object(Bucket="zones", Key=before[0])["LastModified"] == manifest


def test_an_archive_that_changes_meanwhile_is_an_error(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    put(aws, events(1))

    original = Archive.file

    def and_then(*arguments: Any) -> ArchivedFile:
        found = original(*arguments)
        put(aws, events(2))
        return found

    monkeypatch.setattr(Archive, "file", and_then)
    code, error = clean()
    assert code == 1 and "a file of the archive has changed" in error
    assert keys(aws) == []
