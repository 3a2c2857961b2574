"""Reserved words of DynamoDB are refused in every expression, whether or not an item is there."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.cli.process import LocalAws, interpreter
from tests.localaws.running import create_table, unique

KEY = {"key": {"S": "missing"}}
VALUES = {"ExpressionAttributeValues": {":v": {"S": "x"}}}
UPDATE = {"Key": KEY, "UpdateExpression": "SET a = :v", **VALUES}
# operation, expression that is refused and the word, and what else the request has
CASES = [
    ("update_item", "UpdateExpression", "SET a = :v, status = :v", "status", {"Key": KEY, **VALUES}),
    ("update_item", "UpdateExpression", "REMOVE ttl", "ttl", {"Key": KEY}),
    ("update_item", "UpdateExpression", "SET a.name = :v", "name", {"Key": KEY, **VALUES}),
    ("update_item", "ConditionExpression", "a = :v OR owner = :v", "owner", UPDATE),
    ("put_item", "ConditionExpression", "attribute_not_exists(Owner)", "Owner", {"Item": KEY}),
    ("delete_item", "ConditionExpression", "NOT state IN (:v)", "state", {"Key": KEY, **VALUES}),
    ("get_item", "ProjectionExpression", "a, region", "region", {"Key": KEY}),
    ("query", "KeyConditionExpression", "hash = :v", "hash", VALUES),
    ("query", "FilterExpression", "size = :v", "size", {"KeyConditionExpression": "id = :v", **VALUES}),
    ("scan", "FilterExpression", "contains(comment, :v)", "comment", VALUES),
    ("scan", "ProjectionExpression", "a.date", "date", {}),
]


class Table:
    """An empty table of its own."""

    def __init__(self, local: LocalAws) -> None:
        self.name, self.client = unique("words"), local.client("dynamodb")
        create_table(local, self.name, "key")

    def refused(self, operation: str, **request: Any) -> tuple[str, str]:
        """Code and message of a request that is refused."""
        with pytest.raises(ClientError) as caught:
            getattr(self.client, operation)(**request)
        return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


@pytest.fixture
def table(local_aws: LocalAws) -> Table:
    return Table(local_aws)


def message(name: str, word: str) -> tuple[str, str]:
    said = f"Invalid {name}: Attribute name is a reserved keyword; reserved keyword: {word}"
    return "ValidationException", said


@pytest.mark.parametrize(("operation", "name", "expression", "word", "more"), CASES)
def test_a_reserved_word_is_refused(
    table: Table, operation: str, name: str, expression: str, word: str, more: dict[str, Any]
) -> None:
    request = {"TableName": table.name, **more, name: expression}
    assert table.refused(operation, **request) == message(name, word)


def test_a_reserved_word_is_refused_in_transactions_and_batches(table: Table) -> None:
    update = {"TableName": table.name, **UPDATE, "ConditionExpression": "a = :v AND status = :v"}
    items = [{"Put": {"TableName": table.name, "Item": KEY}}, {"Update": update}]
    assert table.refused("transact_write_items", TransactItems=items) == message("ConditionExpression", "status")
    wanted = {table.name: {"Keys": [KEY], "ProjectionExpression": "status"}}
    assert table.refused("batch_get_item", RequestItems=wanted) == message("ProjectionExpression", "status")


def test_aliases_functions_and_other_names_pass(table: Table) -> None:
    names = {"#status": "status"}
    table.client.update_item(
        TableName=table.name,
        Key=KEY,
        UpdateExpression="SET #status = if_not_exists(#status, :v), statuses = :v ADD numbers :one REMOVE gone",
        ConditionExpression="attribute_not_exists(statuses) AND NOT (size(#status) BETWEEN :one AND :one)",
        ExpressionAttributeNames=names,
        ExpressionAttributeValues={":v": {"S": "x"}, ":one": {"N": "1"}},
    )
    found = table.client.get_item(TableName=table.name, Key=KEY, ProjectionExpression="statuses")
    assert found["Item"] == {"statuses": {"S": "x"}}


def test_all_words_of_the_documentation_are_known() -> None:
    script = "import json; from ministack.services.dynamodb import AWS_KEYWORDS as w; print(json.dumps(sorted(w)))"
    words = json.loads(subprocess.run([interpreter(), "-c", script], capture_output=True, check=True).stdout)
    assert (len(words), words[0], words[-1]) == (573, "ABORT", "ZONE")
