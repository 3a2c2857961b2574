"""AWS's JSON protocol: a service is a table of operations, each a function from request to response document."""

from __future__ import annotations

import base64
import json
import secrets
import string
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from ministack.core.responses import error_response_json, get_account_id, get_region, json_response

Document = dict[str, Any]
Operation = Callable[[Document], Document]
Response = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, dict[str, str], Any, dict[str, Any]], Awaitable[Response]]

CONTENT_TYPE = "application/x-amz-json-1.1"


class ServiceError(Exception):
    """The error with which a service answers a request."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


def service(operations: Mapping[str, Operation]) -> Handler:
    """The request handler of a service, with the signature ministack expects."""

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Response:
        return answer(operations, headers.get("x-amz-target", "").rpartition(".")[2], body)

    return handle


def answer(operations: Mapping[str, Operation], action: str, body: bytes) -> Response:
    """The response to a request: the operation's document, or the error it raised."""
    try:
        operation = operations.get(action)
        if operation is None:
            raise ServiceError("UnknownOperationException", f"{action} is not supported by the local AWS")
        document = operation(_request(body))
    except ServiceError as error:
        response: Response = error_response_json(error.code, error.message, 400, content_type=CONTENT_TYPE)
        return response
    response = json_response(document, content_type=CONTENT_TYPE)
    return response


def _request(body: bytes) -> Document:
    try:
        document = json.loads(body or b"{}")
    except ValueError as error:
        raise ServiceError("SerializationException", f"the request is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise ServiceError("SerializationException", "the request is not a JSON object")
    return document


def required(request: Document, name: str) -> str:
    """A required text member of the request; raises ValidationException if it is missing."""
    value = request.get(name)
    if not isinstance(value, str) or not value:
        raise ServiceError("ValidationException", f"{name} is required")
    return value


def page(
    items: Sequence[Any], request: Document, limit: int = 100, size: str = "MaxResults"
) -> tuple[list[Any], Document]:
    """One page of the items, and the member NextToken if there are more."""
    try:
        start = int(base64.b64decode(request["NextToken"])) if request.get("NextToken") else 0
    except ValueError as error:
        raise ServiceError("ValidationException", f"NextToken {request['NextToken']} is not valid") from error
    count = int(request.get(size) or limit)
    end = start + count
    more = {"NextToken": base64.b64encode(str(end).encode()).decode()} if end < len(items) else {}
    return list(items[start:end]), more


def given(**members: Any) -> Document:
    """The members with a value; AWS omits the others."""
    return {name: value for name, value in members.items() if value is not None}


def arn(service_name: str, resource: str) -> str:
    """The ARN of a resource in the account and region of the request."""
    return f"arn:aws:{service_name}:{get_region()}:{get_account_id()}:{resource}"


def identifier(length: int = 12) -> str:
    """A random name of lower-case letters and digits."""
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(length))


def now() -> float:
    """Seconds since 1970 with millisecond precision, the time format of the JSON protocol."""
    return round(time.time(), 3)
