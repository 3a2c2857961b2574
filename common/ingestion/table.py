"""The tracking table in DynamoDB."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from common.aws.clients import aws_errors, client
from common.errors import AwsError
from common.ingestion.keys import Key
from common.ingestion.writes import Condition, Item, Test, Value, Write
from common.retries import Retries, TryAgainError, retried

INDEX = "pending"
MOST_READ = 100
RETRIES = Retries(tries=8, first_pause_seconds=0.05, longest_pause_seconds=2.0, seconds=30.0)
REMEDY = "Run again: others work on the same items"
FAILED, CONFLICT = "ConditionalCheckFailed", "TransactionConflict"


@dataclass(frozen=True)
class TrackingTable:
    """Reads and conditional writes of the table with this name."""

    name: str
    dynamodb: Any = field(default_factory=lambda: client("dynamodb"))

    def write(self, *writes: Write) -> bool:
        """Does all of the writes, at most 100, or none; False if a condition does not hold.

        Raises:
            AwsError: the table is missing or cannot be written, or others kept changing the same items.
        """
        with aws_errors(f"table {self.name} cannot be written"):
            return retried(
                f"write to table {self.name}",
                lambda: self._written(writes),
                RETRIES,
                failure=AwsError,
                remedy=REMEDY,
            )

    def _written(self, writes: Sequence[Write]) -> bool:
        requests = [_request(self.name, write) for write in writes]
        try:
            if len(writes) == 1 and writes[0].kind != "check":
                getattr(self.dynamodb, f"{writes[0].kind}_item")(**requests[0])
            else:
                items = [{_OPERATION[write.kind]: request} for write, request in zip(writes, requests, strict=True)]
                self.dynamodb.transact_write_items(TransactItems=items)
        except ClientError as error:
            reasons = {reason.get("Code") for reason in error.response.get("CancellationReasons", ())}
            reasons.add(str(error.response["Error"]["Code"]).removesuffix("Exception"))
            if FAILED in reasons:
                return False
            if CONFLICT in reasons:
                raise TryAgainError(str(error)) from error
            raise
        return True

    def read(self, keys: Iterable[Key]) -> list[Item]:
        """The items with these keys that exist, as they are now, in no order.

        Raises:
            AwsError: the table is missing or cannot be read.
        """
        found: list[Item] = []
        for part in batched_keys(keys):
            wanted = [_key(key) for key in part]

            def rest() -> None:
                nonlocal wanted
                answer = self.dynamodb.batch_get_item(
                    RequestItems={self.name: {"Keys": wanted, "ConsistentRead": True}}
                )
                found.extend(_decoded(item) for item in answer["Responses"].get(self.name, ()))
                wanted = answer.get("UnprocessedKeys", {}).get(self.name, {}).get("Keys", [])
                if wanted:
                    raise TryAgainError(f"{len(wanted)} keys were not processed")

            with aws_errors(f"table {self.name} cannot be read"):
                retried(f"read from table {self.name}", rest, RETRIES, failure=AwsError, remedy="Run again later")
        return found

    def pending(self, shard: str, orders: tuple[str, str], most: int | None = None) -> list[Item]:
        """The first items of a partition of the pending index, in order, between two orders; it may lag behind.

        Raises:
            AwsError: the table is missing or cannot be read.
        """
        query: dict[str, Any] = {
            "IndexName": INDEX,
            "KeyConditionExpression": "pending_shard = :shard AND pending_order BETWEEN :first AND :last",
            "ExpressionAttributeValues": {
                ":shard": {"S": shard},
                ":first": {"S": orders[0]},
                ":last": {"S": orders[1]},
            },
        }
        if most is not None:
            query["Limit"] = most
        return list(islice(self._queried(query), most))

    def of_date(self, date_prefix: str) -> Iterator[Item]:
        """All items of a date, as they are now: files, and manifests.

        Raises:
            AwsError: the table is missing or cannot be read.
        """
        values = {":date": {"S": date_prefix}}
        yield from self._queried(
            {
                "ConsistentRead": True,
                "KeyConditionExpression": "date_prefix = :date",
                "ExpressionAttributeValues": values,
            }
        )

    def scanned(self) -> Iterator[Item]:
        """All items of the table: the whole of it is read.

        Raises:
            AwsError: the table is missing or cannot be read.
        """
        with aws_errors(f"table {self.name} cannot be read"):
            for page in self.dynamodb.get_paginator("scan").paginate(TableName=self.name, ConsistentRead=True):
                yield from map(_decoded, page["Items"])

    def _queried(self, query: dict[str, Any]) -> Iterator[Item]:
        with aws_errors(f"table {self.name} cannot be queried"):
            for page in self.dynamodb.get_paginator("query").paginate(TableName=self.name, **query):
                yield from map(_decoded, page["Items"])


_OPERATION = {"put": "Put", "update": "Update", "delete": "Delete", "check": "ConditionCheck"}


def batched_keys(keys: Iterable[Key]) -> Iterator[list[Key]]:
    """The keys, each once, in lists of as many as one read takes."""
    distinct = iter(dict.fromkeys(keys))
    while part := list(islice(distinct, MOST_READ)):
        yield part


def _request(table: str, write: Write) -> dict[str, Any]:
    """The arguments of a write in the low-level API."""
    expressions = _Expressions()
    request: dict[str, Any] = {"TableName": table}
    if write.kind == "put":
        request["Item"] = {name: _encoded(value) for name, value in write.values.items()} | _key(write.key)
    else:
        request["Key"] = _key(write.key)
    if write.kind == "update":
        changes = [f"{expressions.name(name)} = {expressions.value(value)}" for name, value in write.values.items()]
        removed = [expressions.name(name) for name in write.removed]
        parts = [f"{word} {', '.join(terms)}" for word, terms in (("SET", changes), ("REMOVE", removed)) if terms]
        request["UpdateExpression"] = " ".join(parts)
    if write.condition:
        request["ConditionExpression"] = expressions.condition(write.condition)
    if expressions.names:
        request["ExpressionAttributeNames"] = expressions.names
    if expressions.values:
        request["ExpressionAttributeValues"] = expressions.values
    return request


class _Expressions:
    """Expressions, and the names and values that they stand for."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: dict[str, Any] = {}

    def name(self, name: str) -> str:
        self.names[f"#{name}"] = name
        return f"#{name}"

    def value(self, value: Value) -> str:
        placeholder = f":v{len(self.values)}"
        self.values[placeholder] = _encoded(value)
        return placeholder

    def condition(self, condition: Condition) -> str:
        return " OR ".join("(" + " AND ".join(map(self._test, tests)) + ")" for tests in condition)

    def _test(self, test: Test) -> str:
        name = self.name(test.attribute)
        match test.how:
            case "absent":
                return f"attribute_not_exists({name})"
            case "exists":
                return f"attribute_exists({name})"
            case "less":
                return f"{name} < {self.value(test.values[0])}"
            case "equals":
                return f"{name} IN ({', '.join(map(self.value, test.values))})"


def _key(key: Key) -> dict[str, dict[str, str]]:
    return {"date_prefix": {"S": key[0]}, "file_key": {"S": key[1]}}


def _encoded(value: Value) -> dict[str, Any]:
    """A value in the form of the low-level API."""
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, str):
        return {"S": str(value)}
    if isinstance(value, list):
        return {"L": [{"S": text} for text in value]}
    return {"N": repr(value)}


def _decoded(item: dict[str, dict[str, Any]]) -> Item:
    """An item of the low-level API; attributes of other kinds than this project's are left out."""
    found: dict[str, Value] = {}
    for name, typed in item.items():
        ((kind, value),) = typed.items()
        match kind:
            case "S" | "BOOL":
                found[name] = value
            case "N":
                found[name] = float(value) if set(value) & set(".eE") else int(value)
            case "L":
                found[name] = [text["S"] for text in value if "S" in text]
    return found
