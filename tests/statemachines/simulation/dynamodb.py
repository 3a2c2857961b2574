"""DynamoDB's answer to one operation on one item: moto's tables and expressions, asked once for each combination."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from moto.dynamodb.comparisons import get_comparison_func, get_filter_expression
from moto.dynamodb.exceptions import ConditionalCheckFailed, MockValidationException
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.parsing.key_condition_expression import parse_expression

from tests.statemachines.simulation.values import Val, val

KEYS: Mapping[str, tuple[str, ...]] = {
    "project_routing": ("org_key",),
    "project_parameters": ("project_name", "parameters"),
    "processing_lock": ("lock_id",),
    "publication_lock": ("publication_id",),
    "batch_index": ("project_name", "batch_key"),
}
Key = tuple[str, ...]
Table = Mapping[Key, Val]


class ConditionFailedError(Exception):
    """The condition of a write does not hold."""


class RefusedError(Exception):
    """The operation is not valid."""


def schema(table: str) -> list[dict[str, str]]:
    """The key schema of a table."""
    kinds = ("HASH", "RANGE")
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(KEYS[table], kinds, strict=False)]


def _backend() -> DynamoDBBackend:
    backend = DynamoDBBackend("us-east-1", "000000000000")
    for table, names in KEYS.items():
        attributes = [{"AttributeName": name, "AttributeType": "S"} for name in names]
        backend.create_table(
            table, schema=schema(table), throughput=None, attr=attributes, global_indexes=[], indexes=[], streams=None,
            billing_mode="PAY_PER_REQUEST", sse_specification=None, tags=[], deletion_protection_enabled=False,
            warm_throughput=None,
        )  # fmt: skip
    return backend


_BACKEND = _backend()
_TIME = re.compile(r'"N": "(\d{10,})"')
FIRST_RANK = 10**9
_LONG = re.compile(r'"S": "((?:[^"\\]|\\.){60,})"')
SHORT = "~"
_SHORT = re.compile(rf'"S": "({SHORT}\d+{SHORT})"')
_CALCULATION = re.compile(r"[-+]")
_KNOWN: dict[tuple[str, str, str], str | Exception | None] = {}
_QUERIES: dict[tuple[int, tuple[int, ...]], Val] = {}


def key_of(table: str, attributes: Mapping[str, Any]) -> Key:
    """The key of an item, as texts."""
    return tuple(attributes[name]["S"] for name in KEYS[table])


def written(operation: str, arguments: Val, item: Val | None) -> Val | None:
    """The item after the operation, none if it is deleted.

    Conditions compare times and nothing calculates with them, so what holds for some holds for all in the same order;
    long texts, such as owners and reasons, are equal or not. So moto is asked with times in their ranks and with names
    for long texts.

    Raises:
        ConditionFailedError: its condition does not hold; the item stays.
        RefusedError: the service refuses it.
    """
    given, held = arguments.text, item.text if item else "null"
    assert not _CALCULATION.search(arguments.value.get("UpdateExpression", "")), given
    both = f"{given}\n{held}"
    times = sorted({int(number) for number in _TIME.findall(both)})
    names = {str(number): str(FIRST_RANK + rank) for rank, number in enumerate(times)}
    names |= {text: f"{SHORT}{number}{SHORT}" for number, text in enumerate(dict.fromkeys(_LONG.findall(both)))}
    given, held = _renamed(both, names, _LONG).split("\n")
    key = (operation, given, held)
    if key not in _KNOWN:
        _KNOWN[key] = _answer(*key)
    known = _KNOWN[key]
    if isinstance(known, Exception):
        raise known
    return (
        None
        if known is None
        else val(json.loads(_renamed(known, {name: text for text, name in names.items()}, _SHORT)))
    )


def _renamed(text: str, names: Mapping[str, str], long: re.Pattern[str]) -> str:
    text = _TIME.sub(lambda match: f'"N": "{names[match[1]]}"', text)
    return long.sub(lambda match: f'"S": "{names[match[1]]}"', text)


def _answer(operation: str, arguments: str, item: str) -> str | Exception | None:
    try:
        found = _written(operation, json.loads(arguments), json.loads(item))
    except ConditionalCheckFailed:
        return ConditionFailedError("The conditional request failed")
    except MockValidationException as error:
        return RefusedError(str(error))
    return None if found is None else json.dumps(found)


def _written(operation: str, given: dict[str, Any], item: dict[str, Any] | None) -> dict[str, Any] | None:
    table = _BACKEND.get_table(given["TableName"])
    table.items.clear()
    key = given.get("Key") or {name: given["Item"][name] for name in KEYS[given["TableName"]]}
    if item:
        table.put_item(item)
    condition = {
        "condition_expression": given.get("ConditionExpression"),
        "expression_attribute_names": given.get("ExpressionAttributeNames", {}),
        "expression_attribute_values": given.get("ExpressionAttributeValues", {}),
    }
    if operation == "putItem":
        _BACKEND.put_item(given["TableName"], given["Item"], **condition)
    elif operation == "deleteItem":
        _BACKEND.delete_item(given["TableName"], key, **condition)
        return None
    else:
        _BACKEND.update_item(given["TableName"], key, given["UpdateExpression"], **condition)
    parts = [DynamoType(key[name]) for name in KEYS[given["TableName"]]]
    found = table.get_item(*parts)
    assert found is not None
    return _sets_in_order(found.to_json()["Attributes"])


def _sets_in_order(item: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {kind: sorted(value) if kind == "SS" else value for kind, value in held.items()}
        for name, held in item.items()
    }


def queried(arguments: Val, table: Table) -> Val:
    """The answer of a query, all in one page."""
    items = [table[key] for key in sorted(table)]
    number = (arguments.id, tuple(item.id for item in items))
    if number not in _QUERIES:
        _QUERIES[number] = _queried(arguments.value, items)
    return _QUERIES[number]


def _queried(given: Mapping[str, Any], items: list[Val]) -> Val:
    names, values = given.get("ExpressionAttributeNames", {}), given.get("ExpressionAttributeValues", {})
    keys = schema(given["TableName"])
    hashes, ranges, _ = parse_expression(given["KeyConditionExpression"], values, names, keys)
    wanted = get_filter_expression(given.get("FilterExpression"), names, values)
    found = []
    for item in items:
        same = all(item.value[name] == value for name, value in hashes)
        inside = all(
            get_comparison_func(how)(
                DynamoType(item.value[name]).cast_value, *[DynamoType(bound).cast_value for bound in bounds]
            )
            for name, how, bounds in ranges
        )
        if same and inside and wanted.expr(Item(DynamoType({"S": ""}), None, item.value)):
            found.append(item.value)
    if not given.get("ScanIndexForward", True):
        found.reverse()
    found = found[: given.get("Limit", len(found))]
    return val({"Items": found, "Count": len(found)})
