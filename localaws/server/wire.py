"""AWS's JSON protocol: a service is a table of operations, each from request to response document."""

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
Handler = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Response]]

CONTENT_TYPE = "application/x-amz-json-1.1"


class ServiceError(Exception):
    """A request that the service answers with an error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


def service(operations: Mapping[str, Operation]) -> Handler:
    """The handler of requests, in the form in which ministack calls its services."""

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Response:
        return answer(operations, headers.get("x-amz-target", "").rpartition(".")[2], body)

    return handle


def answer(operations: Mapping[str, Operation], action: str, body: bytes) -> Response:
    """The response to one request: the operation's document, or the error that it raised."""
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
    """A member that the request must have; raises ValidationException."""
    value = request.get(name)
    if not isinstance(value, str) or not value:
        raise ServiceError("ValidationException", f"{name} is required")
    return value


def page(
    items: Sequence[Any], request: Document, limit: int = 100, size: str = "MaxResults"
) -> tuple[list[Any], Document]:
    """One page of the items, and the member NextToken where there are more."""
    try:
        start = int(base64.b64decode(request["NextToken"])) if request.get("NextToken") else 0
    except ValueError as error:
        raise ServiceError("ValidationException", f"NextToken {request['NextToken']} is not valid") from error
    count = int(request.get(size) or limit)
    end = start + count
    more = {"NextToken": base64.b64encode(str(end).encode()).decode()} if end < len(items) else {}
    return list(items[start:end]), more


def given(**members: Any) -> Document:
    """The members that have a value: AWS leaves the others out."""
    return {name: value for name, value in members.items() if value is not None}


def arn(service_name: str, resource: str) -> str:
    """The name of a resource in the account and region of the request."""
    return f"arn:aws:{service_name}:{get_region()}:{get_account_id()}:{resource}"


def identifier(length: int = 12) -> str:
    """A new random name of small letters and digits."""
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(length))


def now() -> float:
    """Seconds since 1970, to the millisecond, as the JSON protocol writes times."""
    return round(time.time(), 3)
