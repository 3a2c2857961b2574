"""Items of DynamoDB are copied, and expressions remembered, without one write showing in another."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.cli.process import LocalAws
from tests.localaws.running import create_table, unique

NESTED = {"L": [{"M": {"n": {"N": "1"}, "s": {"SS": ["a", "b"]}, "b": {"B": b"\x00"}, "z": {"NULL": True}}}]}


class Items:
    """The items of a table of its own."""

    def __init__(self, local: LocalAws) -> None:
        self.table, self.client = unique("items"), local.client("dynamodb")
        create_table(local, self.table, "key")
        for key in "ab":
            self.client.put_item(TableName=self.table, Item={"key": {"S": key}, "list": NESTED})

    def update(self, key: str, condition: str = "attribute_exists(#l)", number: str = "2") -> dict[str, Any]:
        """An update of the nested number."""
        return {
            "TableName": self.table,
            "Key": {"key": {"S": key}},
            "UpdateExpression": "SET #l[0].n = :n",
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {"#l": "list"},
            "ExpressionAttributeValues": {":n": {"N": number}},
        }

    def list_of(self, key: str) -> Any:
        return self.client.get_item(TableName=self.table, Key={"key": {"S": key}})["Item"]["list"]


@pytest.fixture
def items(local_aws: LocalAws) -> Items:
    return Items(local_aws)


def changed(number: str) -> dict[str, Any]:
    (element,) = NESTED["L"]
    return {"L": [{"M": element["M"] | {"n": {"N": number}}}]}


def test_the_old_item_is_not_the_new_one(items: Items) -> None:
    done = items.client.update_item(**items.update("a"), ReturnValues="ALL_OLD")
    assert done["Attributes"]["list"] == NESTED
    assert (items.list_of("a"), items.list_of("b")) == (changed("2"), NESTED)


def test_an_expression_has_the_values_of_its_own_request(items: Items) -> None:
    for number in "345":
        writes = [{"Update": items.update(key, number=number)} for key in "ab"]
        items.client.transact_write_items(TransactItems=writes)
        assert [items.list_of(key) for key in "ab"] == [changed(number)] * 2


def test_a_transaction_that_is_cancelled_changes_nothing(items: Items) -> None:
    writes = [{"Update": items.update("a")}, {"Update": items.update("b", "attribute_not_exists(#l)")}]
    for _ in range(2):
        with pytest.raises(ClientError, match="ConditionalCheckFailed"):
            items.client.transact_write_items(TransactItems=writes)
    assert [items.list_of(key) for key in "ab"] == [NESTED] * 2


def test_a_wrong_condition_is_refused_each_time(items: Items) -> None:
    for _ in range(2):
        with pytest.raises(ClientError, match="Syntax error"):
            items.client.update_item(**items.update("a", "attribute_exists(#l) AND AND"))
