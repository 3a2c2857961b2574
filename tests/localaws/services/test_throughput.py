"""Tables with a maximum of on-demand throughput take no more in a second, and CloudWatch counts what they refuse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.cli.process import LocalAws
from tests.localaws.running import create_table, unique
from tests.localaws.server.requests import send, signed


def throttled(local: LocalAws, table: str, side: str) -> list[float]:
    found = local.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/DynamoDB",
        MetricName=f"{side}ThrottleEvents",
        Dimensions=[{"Name": "TableName", "Value": table}],
        StartTime=datetime.now(UTC) - timedelta(minutes=5),
        EndTime=datetime.now(UTC) + timedelta(minutes=5),
        Period=3600,
        Statistics=["Sum"],
    )
    return [point["Sum"] for point in found["Datapoints"]]


def puts(table: str, count: int) -> dict[str, Any]:
    return {table: [{"PutRequest": {"Item": {"key": {"S": str(number)}}}} for number in range(count)]}


def test_what_is_more_than_the_maximum_is_throttled_and_counted(local_aws: LocalAws) -> None:
    dynamodb, table, free = local_aws.client("dynamodb"), unique("table"), unique("table")
    create_table(local_aws, table, "key")
    create_table(local_aws, free, "key")
    dynamodb.update_table(TableName=table, OnDemandThroughput={"MaxWriteRequestUnits": 2})
    with pytest.raises(ClientError, match=f"ThrottlingException.*{table}"):
        dynamodb.batch_write_item(RequestItems={**puts(table, 3), **puts(free, 1)})
    assert dynamodb.scan(TableName=free)["Items"] == []
    dynamodb.batch_write_item(RequestItems={**puts(table, 2), **puts(free, 9)})
    # reads have no maximum, and no more has a table without one
    assert (len(dynamodb.scan(TableName=table)["Items"]), len(dynamodb.scan(TableName=free)["Items"])) == (2, 9)
    assert throttled(local_aws, table, "Write") and throttled(local_aws, table, "Read") == []
    assert throttled(local_aws, free, "Write") == []
    dynamodb.update_table(TableName=table, OnDemandThroughput={"MaxWriteRequestUnits": -1})
    dynamodb.batch_write_item(RequestItems=puts(table, 9))


@pytest.mark.parametrize("operation", ["PutItem", "BatchWriteItem", "TransactWriteItems", "Query"])
@pytest.mark.parametrize("body", [b"{", b'{"ConditionExpression": ', b"\xff", b'"Expression"'])
def test_a_body_that_is_no_json_is_the_clients_mistake(local_aws: LocalAws, operation: str, body: bytes) -> None:
    named = {"X-Amz-Target": f"DynamoDB_20120810.{operation}", "Content-Type": "application/x-amz-json-1.0"}
    headers = signed(local_aws, "POST", "/", named, body, "dynamodb")
    answer = send(local_aws, "POST", "/", headers, body)
    assert (answer.status, b"SerializationException" in answer.body) == (400, True), answer
