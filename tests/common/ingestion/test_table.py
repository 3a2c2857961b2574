"""What the table does when DynamoDB is busy; its other answers are in the tests of the manifest builder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from common.errors import AwsError
from common.ingestion.table import TrackingTable
from common.ingestion.writes import Write, all_of, equals, put_new

KEY = ("2026-03-10", "a#1")
LOW_LEVEL = {"date_prefix": {"S": "2026-03-10"}, "file_key": {"S": "a#1"}}
ITEM = {**LOW_LEVEL, "file_size": {"N": "5"}, "file_size_mb": {"N": "0.5"}, "wanted": {"BOOL": True}}
CHECK = Write("check", ("2026-03-10", "b#2"), all_of(equals("status", "pending", "failed")))


@pytest.fixture
def stub() -> Iterator[Stubber]:
    client = boto3.client("dynamodb", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def table(stub: Stubber) -> TrackingTable:
    return TrackingTable("t", stub.client)


def cancelled(stub: Stubber, *codes: str) -> None:
    reasons = {"CancellationReasons": [{"Code": code} for code in codes]}
    stub.add_client_error("transact_write_items", "TransactionCanceledException", modeled_fields=reasons)


def test_a_conflict_is_tried_again_and_a_condition_is_not(stub: Stubber, table: TrackingTable) -> None:
    cancelled(stub, "TransactionConflict", "None")
    stub.add_response("transact_write_items", {})
    assert table.write(put_new(KEY, {}), CHECK)
    cancelled(stub, "None", "ConditionalCheckFailed")
    assert not table.write(put_new(KEY, {}), CHECK)


def test_a_conflict_with_a_transaction_is_tried_again(stub: Stubber, table: TrackingTable) -> None:
    stub.add_client_error("put_item", "TransactionConflictException")
    stub.add_response("put_item", {})
    assert table.write(put_new(KEY, {}))


def test_other_refusals_are_errors(stub: Stubber, table: TrackingTable) -> None:
    cancelled(stub, "ValidationError", "None")
    with pytest.raises(AwsError, match="table t cannot be written: TransactionCanceledException"):
        table.write(put_new(KEY, {}), CHECK)


def test_a_transaction_says_its_conditions(stub: Stubber, table: TrackingTable) -> None:
    update = Write("update", KEY, ((equals("wanted", False),), (equals("n", 1),)), {"status": "x"}, ("pending_order",))
    expected: dict[str, Any] = {
        "TransactItems": [
            {
                "Update": {
                    "TableName": "t",
                    "Key": LOW_LEVEL,
                    "UpdateExpression": "SET #status = :v0 REMOVE #pending_order",
                    "ConditionExpression": "(#wanted IN (:v1)) OR (#n IN (:v2))",
                    "ExpressionAttributeNames": {
                        "#status": "status",
                        "#pending_order": "pending_order",
                        "#wanted": "wanted",
                        "#n": "n",
                    },
                    "ExpressionAttributeValues": {":v0": {"S": "x"}, ":v1": {"BOOL": False}, ":v2": {"N": "1"}},
                }
            },
            {
                "ConditionCheck": {
                    "TableName": "t",
                    "Key": {"date_prefix": {"S": "2026-03-10"}, "file_key": {"S": "b#2"}},
                    "ConditionExpression": "(#status IN (:v0, :v1))",
                    "ExpressionAttributeNames": {"#status": "status"},
                    "ExpressionAttributeValues": {":v0": {"S": "pending"}, ":v1": {"S": "failed"}},
                }
            },
        ]
    }
    stub.add_response("transact_write_items", {}, expected)
    assert table.write(update, CHECK)


def test_keys_that_were_not_processed_are_read_again(stub: Stubber, table: TrackingTable) -> None:
    other = {"date_prefix": {"S": "2026-03-10"}, "file_key": {"S": "b#2"}}
    asked = {"RequestItems": {"t": {"Keys": [LOW_LEVEL, other], "ConsistentRead": True}}}
    rest = {"t": {"Keys": [other]}}
    stub.add_response("batch_get_item", {"Responses": {"t": [ITEM]}, "UnprocessedKeys": rest}, asked)
    again = {"RequestItems": {"t": {"Keys": [other], "ConsistentRead": True}}}
    stub.add_response("batch_get_item", {"Responses": {"t": []}}, again)
    assert table.read([KEY, ("2026-03-10", "b#2"), KEY]) == [
        {"date_prefix": "2026-03-10", "file_key": "a#1", "file_size": 5, "file_size_mb": 0.5, "wanted": True}
    ]


def test_many_keys_are_read_by_the_hundred(stub: Stubber, table: TrackingTable) -> None:
    for _ in range(3):
        stub.add_response("batch_get_item", {"Responses": {}})
    assert table.read(("2026-03-10", f"{number}#1") for number in range(201)) == []
