"""Zones in S3, events, and alerts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from common.storage.files import Folder
from jobs.c360_validate.cli import main
from jobs.c360_validate.handler import _environment, handle
from jobs.c360_validate.zones import S3Zones
from tests.commands import call

PLANS = b"plan_id,plan_name\nP001,Premium\n"
BAD = b"plan,plan_name\nP001,Premium\n"
KEY = "c360/raw/plans/plans_20250102.csv"


def keys(s3: Any) -> list[str]:
    return [found["Key"] for found in s3.list_objects_v2(Bucket="zones").get("Contents", ())]


def validate(*arguments: str) -> tuple[int, dict[str, Any], str]:
    code, output, error = call(main, "--zones", "s3://zones/c360", *arguments)
    return code, json.loads(output)["details"] if code == 0 else {}, error


def event(*names: str, version: str | None = None) -> dict[str, Any]:
    """An event of the queue with one message for each key."""
    versions = {"versionId": version} if version else {}
    things = ({"bucket": {"name": "zones"}, "object": {"key": key} | versions} for key in names)
    bodies = (json.dumps({"Records": [{"eventName": "ObjectCreated:Put", "s3": thing}]}) for thing in things)
    return {"Records": [{"messageId": f"m{number}", "body": body} for number, body in enumerate(bodies)]}


@pytest.mark.slow
def test_objects_are_moved_with_their_time(aws: Any) -> None:
    aws.put_object(Bucket="zones", Key=KEY, Body=PLANS)
    delivered = aws.head_object(Bucket="zones", Key=KEY)["LastModified"]
    assert validate()[1]["outcomes"] == {"archived": 1}
    (key,) = keys(aws)
    assert key.startswith("c360/archive/plans/2025-01-02/plans_20250102.csv.")
    found = aws.get_object(Bucket="zones", Key=key)
    assert found["Body"].read() == PLANS
    assert found["Metadata"]["delivered-at"] == delivered.isoformat(timespec="microseconds")
    aws.put_object(Bucket="zones", Key=KEY, Body=PLANS)
    assert validate()[1]["outcomes"] == {"archived": 1}
    assert keys(aws) == [key]
    assert aws.head_object(Bucket="zones", Key=key)["LastModified"] == found["LastModified"]


def test_a_version_is_moved_and_the_next_one_stays(aws: Any, tmp_path: Path) -> None:
    aws.put_bucket_versioning(Bucket="zones", VersioningConfiguration={"Status": "Enabled"})
    first = aws.put_object(Bucket="zones", Key=KEY, Body=PLANS)["VersionId"]
    aws.put_object(Bucket="zones", Key=KEY, Body=PLANS + b"P002,Basic\n")
    path = tmp_path / "event.json"
    path.write_text(json.dumps(event(KEY, version=first)))
    code, output, _ = call(main, "--zones", "s3://zones/c360", "--event", path)
    assert code == 0 and json.loads(json.loads(output)["body"]) == {"archived": 1, "failed": 0}
    archived, raw = keys(aws)
    assert aws.get_object(Bucket="zones", Key=archived)["Body"].read() == PLANS
    assert raw == KEY
    assert validate()[1]["outcomes"] == {"archived": 1}
    versions = aws.list_object_versions(Bucket="zones", Prefix="c360/raw")
    assert versions.get("Versions", []) == versions.get("DeleteMarkers", []) == []
    assert len(keys(aws)) == 2


def test_a_rejected_file_is_told(aws: Any, environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    topic = boto3.client("sns", region_name="eu-central-1").create_topic(Name="alerts")["TopicArn"]
    queues = boto3.client("sqs", region_name="eu-central-1")
    queue = queues.create_queue(QueueName="alerts")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    boto3.client("sns", region_name="eu-central-1").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    aws.put_object(Bucket="zones", Key=KEY, Body=BAD)
    assert validate("--alerts-topic-arn", topic)[1]["outcomes"] == {"rejected": 1}
    file, reason = keys(aws)
    assert file.startswith("c360/rejected/plans/2025-01-02/plans_20250102.csv.") and reason == f"{file}.reason.json"
    told = json.loads(json.loads(queues.receive_message(QueueUrl=queue)["Messages"][0]["Body"])["Message"])
    entry = json.loads(aws.get_object(Bucket="zones", Key=reason)["Body"].read())
    assert told == entry | {"rejected": f"s3://zones/{file}"}
    assert entry["reason"] == "the header has no plan_id"


def test_lambda_answers_by_message(aws: Any, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ZONES_URI", "s3://zones/c360/")
    environment.setenv("ALERTS_TOPIC_ARN", "")
    _environment.cache_clear()
    aws.put_object(Bucket="zones", Key=KEY, Body=PLANS)

    class Context:
        aws_request_id = "request-1"

    given = event(KEY, "c360/raw/plans/gone.csv", "elsewhere/raw/plans/a.csv", "c360/raw/plans/")
    given["Records"].append({"messageId": "m4", "body": "no JSON"})
    given["Records"].append({"messageId": "m5", "body": json.dumps({"Event": "s3:TestEvent"})})
    response = handle(given, Context())
    assert response["batchItemFailures"] == [{"itemIdentifier": "m2"}, {"itemIdentifier": "m4"}]
    assert json.loads(response["body"]) == {"archived": 1, "gone": 1, "failed": 2}
    again = handle(event(KEY), Context())  # the queue delivers at least once
    assert again["batchItemFailures"] == [] and json.loads(again["body"]) == {"gone": 1, "failed": 0}


@pytest.mark.parametrize("step", ["copied", "removed"])
def test_killed_anywhere_it_goes_on(aws: Any, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    aws.put_object(Bucket="zones", Key=KEY, Body=PLANS)
    original = getattr(S3Zones, step)

    def killed(*arguments: object) -> object:
        original(*arguments)
        raise SystemExit(137)

    with monkeypatch.context() as patched:
        patched.setattr(S3Zones, step, killed)
        assert validate()[0] == 137
    assert validate()[0] == 0
    (key,) = keys(aws)
    assert key.startswith("c360/archive/") and aws.get_object(Bucket="zones", Key=key)["Body"].read() == PLANS


def test_an_event_without_records_is_an_error(aws: Any, tmp_path: Path) -> None:
    path = tmp_path / "event.json"
    path.write_text("{}")
    code, _, error = call(main, "--zones", "s3://zones/c360", "--event", path)
    assert code == 1 and "the event has no Records" in error


def test_only_what_was_read_is_copied_and_removed_and_nothing_is_replaced(aws: Any) -> None:
    etag = aws.put_object(Bucket="zones", Key=KEY, Body=PLANS)["ETag"]
    zones = S3Zones(Folder("s3://zones/c360"))
    asked: list[Any] = []
    for call_name in ("CopyObject", "DeleteObject"):
        zones.buckets.s3.meta.events.register(f"before-call.s3.{call_name}", lambda params, **_: asked.append(params))
    raw = zones.found("plans/plans_20250102.csv")
    assert raw
    assert zones.copied(raw, "archive/a", "0" * 64) and zones.removed(raw)
    copy, delete = (params["headers"] for params in asked)
    assert (copy["If-None-Match"], copy["x-amz-copy-source-if-match"], delete["If-Match"]) == ("*", etag, etag)


def test_what_was_archived_meanwhile_is_no_failure(aws: Any) -> None:
    """Two functions have the same file; S3 refuses the copy of the second one."""
    aws.put_object(Bucket="zones", Key=KEY, Body=PLANS)
    zones = S3Zones(Folder("s3://zones/c360"))
    raw = zones.found("plans/plans_20250102.csv")
    assert raw

    def refused(**_: Any) -> None:
        aws.put_object(Bucket="zones", Key="c360/archive/a", Body=PLANS)
        raise ClientError({"Error": {"Code": "PreconditionFailed"}}, "CopyObject")

    zones.buckets.s3.meta.events.register("before-call.s3.CopyObject", refused)
    assert zones.copied(raw, "archive/a", "0" * 64)
    aws.delete_object(Bucket="zones", Key="c360/archive/a")

    def changed(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "PreconditionFailed"}}, "CopyObject")

    zones = S3Zones(Folder("s3://zones/c360"))
    zones.buckets.s3.meta.events.register("before-call.s3.CopyObject", changed)
    assert not zones.copied(raw, "archive/a", "0" * 64)
