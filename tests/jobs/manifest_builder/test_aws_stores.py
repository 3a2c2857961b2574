"""The builder over the real clients: conditions, transactions, the sparse index, conditional objects, executions."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig

from common.errors import AwsError, StorageError
from common.ingestion import objects
from common.ingestion.events import Announced
from common.ingestion.items import ManifestRecord, files_of
from common.ingestion.objects import Buckets
from common.ingestion.table import TrackingTable
from common.ingestion.writes import put_new
from jobs.manifest_builder import claims
from jobs.manifest_builder.aws_stores import StateMachine, aws_stores
from jobs.manifest_builder.config import BuilderConfig
from jobs.manifest_builder.job import run
from jobs.manifest_builder.stores import End
from tests.jobs.manifest_builder.conftest import TABLE, Aws, announced

pytestmark = pytest.mark.slow

NAME = "fw-2026-03-09"


@pytest.fixture
def config(aws: Aws) -> BuilderConfig:
    return BuilderConfig(TABLE, "manifests", quarantine_bucket="quarantine", step_function_arn=aws.machine)


def event(*records: dict[str, Any]) -> dict[str, Any]:
    return {"Records": [{"messageId": "m", "body": json.dumps({"Records": list(records)})}]}


def handled(config: BuilderConfig, given: dict[str, Any]) -> dict[str, int]:
    """The counts of the response that are not 0."""
    counts: dict[str, int] = json.loads(run(given, config, aws_stores(config))["body"])
    return {name: count for name, count in counts.items() if count}


def test_files_become_a_manifest_with_an_execution(
    aws: Aws, config: BuilderConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "MOST_WRITES", 8)
    keys = [f"in {number}/{NAME}.{number}+ü.ndjson" for number in range(12)]  # claimed in two transactions
    records = [announced(key) for key in keys]
    assert handled(config, event(*records)) == {"processed": 12, "manifests_created": 1}
    assert handled(config, event(*records[:3])) == {"duplicates": 3}

    items = aws.items()
    (record,) = [item for item in items if item["kind"]["S"] == "manifest"]
    files = [item for item in items if item["kind"]["S"] == "file"]
    assert len(items) == 13  # no lock is left
    assert {item["status"]["S"] for item in items} == {"manifested"}
    assert {item["manifest_id"]["S"] for item in files} == {record["id"]["S"]}
    assert (record["bytes"], record["parts"], record["file_count"]) == ({"N": "36"}, {"N": "1"}, {"N": "12"})
    assert record["manifest_path"]["S"] == f"s3://manifests/manifests/2026-03-09/{record['id']['S']}.json"

    path = record["manifest_path"]["S"].removeprefix("s3://manifests/")
    document = json.loads(aws.s3.get_object(Bucket="manifests", Key=path)["Body"].read())
    assert sorted(one["key"] for one in document["files"]) == sorted(keys)
    (execution,) = aws.steps.list_executions(stateMachineArn=aws.machine)["executions"]
    assert execution["name"] == f"{record['id']['S']}-1"
    given = json.loads(aws.steps.describe_execution(executionArn=execution["executionArn"])["input"])
    assert given["manifest_id"] == record["id"]["S"] and given["file_count"] == 12


def test_the_index_has_only_what_is_pending(aws: Aws, config: BuilderConfig) -> None:
    config = replace(config, min_files_for_partial_batch=3, step_function_arn=None)
    table = TrackingTable(TABLE)

    def pending() -> list[str]:
        shards = [*(f"files#{number}" for number in range(8)), "manifests#0"]
        return [str(item["status"]) for shard in shards for item in table.pending(shard, ("0", ":"))]

    assert handled(config, event(*(announced(f"{NAME}.{number}.ndjson") for number in range(2)))) == {"processed": 2}
    assert pending() == ["pending", "pending"]
    assert handled(config, event(announced(f"{NAME}.3.ndjson"))) == {"processed": 1, "manifests_created": 1}
    assert pending() == ["manifested"]  # the manifest, which has no execution yet


def test_a_transaction_takes_all_files_or_none(aws: Aws, config: BuilderConfig) -> None:
    config = replace(config, min_files_for_partial_batch=9)
    handled(config, event(*(announced(f"{NAME}.{number}.ndjson") for number in range(3))))
    table, stores = TrackingTable(TABLE), aws_stores(config)
    first, second, third = files_of(table.of_date("2026-03-09"))
    other = claims.new_record([third], "manifests", "token-1", stores.now())
    record = claims.new_record([first, second, third], "manifests", "token-2", stores.now())
    for one in (other, record):
        assert table.write(put_new(one.key, one.to_item()))
        assert not table.write(put_new(one.key, one.to_item()))
    assert [table.write(*writes) for writes in claims.claims(other, stores.now())] == [True]
    assert [table.write(*writes) for writes in claims.claims(other, stores.now())] == [True]  # repeated
    assert [table.write(*writes) for writes in claims.claims(record, stores.now())] == [False]
    owners = {file.file_key: file.manifest_id for file in files_of(table.of_date("2026-03-09"))}
    assert owners == {first.file_key: None, second.file_key: None, third.file_key: other.id}
    assert ManifestRecord.from_item(table.read([record.key])[0]) == record


def test_an_invalid_file_is_copied_once(aws: Aws, config: BuilderConfig) -> None:
    record = aws.put(f"a/{NAME}.csv", b"a,b\n")
    assert handled(config, event(record)) == {"quarantined": 1}
    (copy,) = aws.s3.list_objects_v2(Bucket="quarantine")["Contents"]
    head = aws.s3.head_object(Bucket="quarantine", Key=copy["Key"])
    assert copy["Key"].startswith(f"2026-03-09/{NAME}.csv#")
    assert head["Metadata"]["reason"].startswith("invalid extension") and head["Metadata"]["source-bucket"] == "landing"
    assert head["ETag"] == aws.s3.head_object(Bucket="landing", Key=f"a/{NAME}.csv")["ETag"]
    aws.s3.delete_object(Bucket="quarantine", Key=copy["Key"])
    assert handled(config, event(record)) == {"duplicates": 1}
    assert "Contents" not in aws.s3.list_objects_v2(Bucket="quarantine")
    (item,) = aws.items()
    assert item["status"]["S"] == "quarantined" and item["reason"]["S"].startswith("invalid extension")


def test_a_large_file_is_copied_in_parts(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    part = 5 << 20
    monkeypatch.setattr(objects, "COPY", TransferConfig(multipart_threshold=part, multipart_chunksize=part))
    thing = aws.put("a.csv", b"x" * (part + 1))["s3"]["object"]
    large = Announced("landing", "a.csv", thing["size"], thing["eTag"])
    assert Buckets().copied(large, "quarantine", "a.csv", {"reason": "x"})
    head = aws.s3.head_object(Bucket="quarantine", Key="a.csv")
    assert (head["ContentLength"], head["Metadata"], "-2" in head["ETag"]) == (part + 1, {"reason": "x"}, True)


def test_what_is_gone_is_not_copied(aws: Aws) -> None:
    aws.put("changed.csv", b"new")
    buckets = Buckets()
    for key, etag in (("never.csv", None), ("changed.csv", "0123456789abcdef0123456789abcdef")):
        assert not buckets.copied(Announced("landing", key, 3, etag), "quarantine", key, {})
    assert buckets.found(Announced("landing", "never.csv")) is None
    found = buckets.found(Announced("landing", "changed.csv"))
    assert found is not None and (found.size, found.etag) == (3, "22af645d1859cb5ca6da0c484f1f37ea")


def test_a_size_that_differs_from_the_announced_one_is_no_copy(aws: Aws) -> None:
    aws.put("a.csv", b"new")
    with pytest.raises(StorageError, match="has 3 bytes"):
        Buckets().copied(Announced("landing", "a.csv", 4), "quarantine", "a.csv", {})


def test_an_object_is_written_once(aws: Aws) -> None:
    buckets = Buckets()
    assert [buckets.put_new("manifests", "a.json", content) for content in (b"1", b"2")] == [True, False]
    assert aws.s3.get_object(Bucket="manifests", Key="a.json")["Body"].read() == b"1"
    with pytest.raises(AwsError, match="NoSuchBucket"):
        buckets.put_new("nowhere", "a.json", b"1")


def test_an_execution_is_started_once(aws: Aws) -> None:
    machine = StateMachine(aws.machine)
    assert machine.start("m-1", "{}") and machine.start("m-1", "{}")
    assert machine.end_of("m-1") is StateMachine(f"{aws.machine}:live").end_of("m-1") is None
    (execution,) = aws.steps.list_executions(stateMachineArn=aws.machine)["executions"]
    aws.steps.stop_execution(executionArn=execution["executionArn"])
    assert not machine.start("m-1", '{"other": 1}')
    assert machine.end_of("m-1") == End("ABORTED", execution["executionArn"])
    assert machine.end_of("m-2") == End("unknown", f"{execution['executionArn'].removesuffix('m-1')}m-2")


def test_a_missing_table_is_named(environment: pytest.MonkeyPatch, aws: Aws) -> None:
    with pytest.raises(AwsError, match="table nowhere cannot be read: ResourceNotFoundException"):
        TrackingTable("nowhere").read([("2026-03-09", "a")])
