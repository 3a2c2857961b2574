"""DynamoDB's reserved words, refused in every expression before an operation begins.

ministack looks at an expression when it meets an item, and so lets pass what finds none.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import dynamodb

from localaws.server.wire import Document, Response
from localaws.services.item_requests import operations, refuse_where

_EXPRESSIONS = (
    "UpdateExpression",
    "ConditionExpression",
    "KeyConditionExpression",
    "FilterExpression",
    "ProjectionExpression",
)
_OPERATORS = frozenset(("AND", "OR", "NOT", "BETWEEN", "IN"))
_CLAUSES = frozenset(("SET", "REMOVE", "ADD", "DELETE"))
_REMEMBERED = 1024


def install() -> None:
    """Makes DynamoDB refuse them."""

    def check(_: str, request: Document) -> Response | None:
        message = next(_problems(request), "")
        return error_response_json("ValidationException", message, 400) if message else None

    refuse_where(check)


def _problems(request: Any) -> Iterator[str]:
    """AWS's message about each expression of a request that has a reserved word, also in those of a transaction."""
    for name in _EXPRESSIONS:
        word = reserved_word(name, request[name]) if isinstance(request.get(name), str) else ""
        if word:
            yield f"Invalid {name}: Attribute name is a reserved keyword; reserved keyword: {word}"
    for operation in operations(request):
        yield from _problems(operation)
    tables = request.get("RequestItems")
    for table in tables.values() if isinstance(tables, dict) else ():
        if isinstance(table, dict):  # and not the writes of a batch, which have no expressions
            yield from _problems(table)


@functools.lru_cache(_REMEMBERED)
def reserved_word(name: str, expression: str) -> str:
    """The first name in an expression that is reserved and has no alias; empty without one."""
    structure = _CLAUSES if name == "UpdateExpression" else _OPERATORS
    tokens = dynamodb._tokenize(expression)
    for (kind, text, *_), (following, *_) in zip(tokens, [*tokens[1:], ("END",)], strict=True):
        word = text.upper()
        if kind == "IDENT" and following != "LPAREN" and word in dynamodb.AWS_KEYWORDS and word not in structure:
            return str(text)
    return ""
