"""A server that answers like DynamoDB, S3 and Step Functions, with what a builder needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from tests.pipelines.conftest import environment, moto, moto_server

__all__ = ["environment", "moto_server"]

TABLE = "file_tracking"
TEXT_ATTRIBUTES = ("date_prefix", "file_key", "pending_shard", "pending_order")
MACHINE = '{"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 600, "End": true}}}'
ROLE = "arn:aws:iam::123456789012:role/ingestion"


@dataclass(frozen=True)
class Aws:
    """The services, and the ARN of the state machine."""

    s3: Any
    dynamodb: Any
    steps: Any
    machine: str

    def put(self, key: str, content: bytes) -> dict[str, Any]:
        """The record of S3 about an object that lands."""
        found = self.s3.put_object(Bucket="landing", Key=key, Body=content)
        return announced(key, len(content), found["ETag"].strip('"'))

    def items(self) -> list[dict[str, Any]]:
        """All items of the table."""
        found: list[dict[str, Any]] = self.dynamodb.scan(TableName=TABLE)["Items"]
        return found


def announced(key: str, size: int = 3, etag: str = "e1") -> dict[str, Any]:
    """The record of S3 about an object that may exist."""
    thing = {"key": key.replace("+", "%2B").replace(" ", "+"), "size": size, "eTag": etag}
    return {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "landing"}, "object": thing}}


@pytest.fixture
def aws(moto_server: str, environment: pytest.MonkeyPatch) -> Aws:
    """An empty table, empty buckets and a state machine, to which the environment leads."""
    environment.setenv("AWS_ENDPOINT_URL", moto_server)
    environment.setenv("AWS_ACCESS_KEY_ID", "test")
    environment.setenv("AWS_SECRET_ACCESS_KEY", "test")
    moto(moto_server, "reset")
    session = boto3.Session()
    s3, dynamodb, steps = (
        session.client(name, region_name="eu-central-1") for name in ("s3", "dynamodb", "stepfunctions")
    )
    for bucket in ("landing", "manifests", "quarantine"):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in TEXT_ATTRIBUTES],
        KeySchema=_keys("date_prefix", "file_key"),
        GlobalSecondaryIndexes=[
            {
                "IndexName": "pending",
                "KeySchema": _keys("pending_shard", "pending_order"),
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    machine = steps.create_state_machine(name="sfn_ndjson_ingestion", definition=MACHINE, roleArn=ROLE)
    return Aws(s3, dynamodb, steps, machine["stateMachineArn"])


def _keys(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]
