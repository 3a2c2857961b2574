"""Requests about items of DynamoDB, looked at once ministack has parsed them, and refused before it obeys them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import dynamodb

from localaws.server.patching import replace
from localaws.server.wire import Document, Handler, Response

READS = {
    "GetItem": "_get_item",
    "Query": "_query",
    "Scan": "_scan",
    "BatchGetItem": "_batch_get_item",
    "TransactGetItems": "_transact_get_items",
}
WRITES = {
    "PutItem": "_put_item",
    "UpdateItem": "_update_item",
    "DeleteItem": "_delete_item",
    "BatchWriteItem": "_batch_write_item",
    "TransactWriteItems": "_transact_write_items",
}
Check = Callable[[str, Document], Response | None]
"""Gets the name of an operation and its request, and gives the refusal, if there is one."""


def refuse_where(check: Check) -> None:
    """Makes DynamoDB ask the check before each operation on items, from clients and state machines."""
    for operation, name in {**READS, **WRITES}.items():
        replace(dynamodb, name, _asking(partial(check, operation), getattr(dynamodb, name)))


def install(handlers: dict[str, Handler]) -> None:
    """Makes a body that is not UTF-8 the client's mistake, as ministack does with other bodies that are no JSON."""
    original = handlers["dynamodb"]

    async def handle(method: str, path: str, headers: dict[str, str], body: Any, query: dict[str, Any]) -> Response:
        try:
            return await original(method, path, headers, body, query)
        except UnicodeDecodeError as error:
            return _no_request(str(error))

    handlers["dynamodb"] = handle


def _no_request(why: str) -> Response:
    refused: Response = error_response_json("SerializationException", f"the body is no request: {why}", 400)
    return refused


def operations(request: Document) -> Iterator[Document]:
    """The operations of a transaction; none of other requests, and of what has other types, which ministack refuses."""
    items = request.get("TransactItems")
    for item in items if isinstance(items, list) else ():
        yield from (one for one in (item.values() if isinstance(item, dict) else ()) if isinstance(one, dict))


def _asking(check: Callable[[Document], Response | None], original: Callable[[Any], Response]) -> Callable[..., Any]:
    def ask(data: Any) -> Response:
        if not isinstance(data, dict):
            return _no_request("it is no object")
        return check(data) or original(data)

    return ask
