"""Tables whose maximum of on-demand throughput is set: what is more in a second is throttled, as CloudWatch hears.

A request counts as one unit for each item that it writes, and as one if it reads. Tables without a maximum, and those
with provisioned throughput, take everything.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import cloudwatch, dynamodb

from localaws.server.wire import Document, Response
from localaws.services.item_requests import WRITES, operations, refuse_where

_MESSAGE = (
    "Throughput exceeds the maximum OnDemandThroughput configured on table or index: {table}. "
    "Increase the maximum, or send fewer requests."
)


def install() -> None:
    """Makes DynamoDB heed the maximum of a table."""
    limiter = Limiter()

    def check(operation: str, request: Document) -> Response | None:
        table = limiter.exhausted(operation, request)
        return error_response_json("ThrottlingException", _MESSAGE.format(table=table), 400) if table else None

    refuse_where(check)


class Limiter:
    """Counts what tables with a maximum take in the present second."""

    def __init__(self) -> None:
        self._taken: dict[tuple[str, str, int], int] = {}

    def exhausted(self, operation: str, request: dict[str, Any]) -> str:
        """The first table that cannot take a request in this second; empty if all can, which then have taken it."""
        side, second = ("Write" if operation in WRITES else "Read"), int(time.time())
        wanted: dict[tuple[str, str, int], int] = {}
        for table in _tables(request):
            wanted[table, side, second] = wanted.get((table, side, second), 0) + 1
        for (table, *_), units in wanted.items():
            most = _maximum(table, side)
            if most is not None and self._taken.get((table, side, second), 0) + units > most:
                metric = (f"{side}ThrottleEvents", {"TableName": table}, time.time(), "Count", 1.0)
                cloudwatch._store_datum("AWS/DynamoDB", *metric, None, None, None)
                return table
        self._taken = {key: units for key, units in self._taken.items() if key[2] == second}
        for key, units in wanted.items():
            self._taken[key] = self._taken.get(key, 0) + units
        return ""


def _maximum(table: str, side: str) -> int | None:
    """Units that a table may take in a second; None without a maximum, for which -1 stands as well."""
    found = (dynamodb._tables.get(table) or {}).get("OnDemandThroughput") or {}
    most = int(found.get(f"Max{side}RequestUnits", -1))
    return most if most > 0 else None


def _tables(request: dict[str, Any]) -> Iterator[str]:
    """The table of each item that a request is about; of a request that reads several items of one, its name once."""
    if "TableName" in request:
        yield _name(request["TableName"])
    tables = request.get("RequestItems")
    for table, items in tables.items() if isinstance(tables, dict) else ():
        yield from [_name(table)] * (len(items) if isinstance(items, list) else 1)
    for operation in operations(request):
        yield from _tables(operation)


def _name(table: Any) -> str:
    return str(table).rpartition("/")[2]
