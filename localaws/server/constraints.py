"""Requests checked against AWS's own service models: members that must be there, lengths, ranges, patterns and words.

AWS checks what the models say before an operation begins; its clients check only types and required members.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ministack.core.responses import _service_model, error_response_json

from localaws.server.wire import CONTENT_TYPE, Handler, Response

CHECKED = ("sagemaker", "states", "events", "glue", "redshift-data")
"""The services whose requests are checked here; ministack checks those of DynamoDB itself."""

_ERRORS = {"glue": "InvalidInputException"}
_SHOWN = 1024
_SCALARS = {"string", "integer", "long", "float", "double", "blob", "boolean", "timestamp"}

Violation = tuple[str, Any, str]
"""Path of a value, the value, and the constraint that it does not satisfy."""
Check = Callable[[Any, str], Iterator[Violation]]


def install(handlers: dict[str, Handler]) -> None:
    """Makes the handlers of these services refuse what the models do not allow, from clients and state machines."""
    for service in CHECKED:
        handlers[service] = _checked(service, handlers[service])


def _checked(service: str, handler: Handler) -> Handler:
    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Response:
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        message = refusal(service, operation, body)
        if message:
            code = _ERRORS.get(service, "ValidationException")
            response: Response = error_response_json(code, message, 400, content_type=CONTENT_TYPE)
            return response
        return await handler(method, path, headers, body, query)

    return handle


def refusal(service: str, operation: str, body: bytes) -> str:
    """The message with which AWS refuses a request; empty if its model allows it, or does not know the operation."""
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        return ""  # which the service itself refuses
    model = _service_model(service)
    if operation not in model.operation_names or not isinstance(document, dict):
        return ""
    return violations(service, model.operation_model(operation).input_shape.name, document)


def violations(service: str, shape: str, value: Any) -> str:
    """AWS's message about all that a value of a named shape violates; empty if nothing."""
    found = list(_check(service, shape)(value, ""))
    if not found:
        return ""
    listed = "; ".join(
        f"Value {_shown(given)}at '{path}' failed to satisfy constraint: {constraint}"
        for path, given, constraint in found
    )
    return f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected: {listed}"


def _shown(value: Any) -> str:
    """The value as a message shows it, with a space behind; nothing for one that is missing or secret."""
    if value is _SECRET:
        return ""
    if value is None:
        return "null "
    text = f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)
    return f"'{text[:_SHOWN]}' "


_SECRET = object()


@functools.cache
def _check(service: str, name: str) -> Check:
    """The check of a shape, made once; shapes may contain themselves, so those inside are looked up when they are met.

    It yields nothing for a value of another type: clients and state machines check these.
    """
    shape = _service_model(service).shape_for(name)
    return {"structure": _structure, "list": _list, "map": _map}.get(shape.type_name, _scalar)(service, shape)


def _structure(service: str, shape: Any) -> Check:
    members = {name: member.name for name, member in shape.members.items()}
    required = tuple(shape.required_members)

    def check(value: Any, path: str) -> Iterator[Violation]:
        if not isinstance(value, Mapping):
            return
        for name in required:
            if value.get(name) is None:
                yield _joined(path, name), None, "Member must not be null"
        for name, inner in value.items():
            if name in members and inner is not None:
                yield from _check(service, members[name])(inner, _joined(path, name))

    return check


def _joined(path: str, name: str) -> str:
    member = name[0].lower() + name[1:]
    return f"{path}.{member}" if path else member


def _list(service: str, shape: Any) -> Check:
    own, inner = _constraints(shape), shape.member

    def check(value: Any, path: str) -> Iterator[Violation]:
        if not isinstance(value, list):
            return
        yield from ((path, value, said) for said, holds in own if not holds(value))
        if inner.type_name in _SCALARS:
            yield from _elements(value, value, path, inner, "Member")
        else:
            for number, element in enumerate(value, 1):
                yield from _check(service, inner.name)(element, f"{path}.{number}.member")

    return check


def _map(service: str, shape: Any) -> Check:
    own = _constraints(shape)

    def check(value: Any, path: str) -> Iterator[Violation]:
        if not isinstance(value, Mapping):
            return
        yield from ((path, value, said) for said, holds in own if not holds(value))
        yield from _elements(value, list(value), path, shape.key, "Map keys")
        if shape.value.type_name in _SCALARS:
            yield from _elements(value, list(value.values()), path, shape.value, "Map value")
        else:
            for name, element in value.items():
                yield from _check(service, shape.value.name)(element, f"{path}.{name}.member")

    return check


def _elements(whole: Any, elements: list[Any], path: str, shape: Any, called: str) -> Iterator[Violation]:
    """Elements without a path of their own: AWS names the whole, and all constraints of an element."""
    constraints = _constraints(shape)
    if not all(holds(element) for element in elements for _, holds in constraints):
        yield path, whole, f"{called} must satisfy constraint: [{', '.join(said for said, _ in constraints)}]"


def _scalar(service: str, shape: Any) -> Check:
    own, secret = _constraints(shape), shape.metadata.get("sensitive")

    def check(value: Any, path: str) -> Iterator[Violation]:
        yield from ((path, _SECRET if secret else value, said) for said, holds in own if not holds(value))

    return check


def _constraints(shape: Any) -> list[tuple[str, Callable[[Any], bool]]]:
    """What a shape demands of its own values, in AWS's words, and whether it holds for one."""
    given = shape.metadata
    found: list[tuple[str, Callable[[Any], bool]]] = []
    if shape.type_name in ("string", "list", "map", "blob"):
        size, called = _sized, "have length"
    else:
        size, called = _number, "have value"
    if "max" in given:
        most = given["max"]
        found.append((f"Member must {called} less than or equal to {most}", lambda value: size(value, most) <= most))
    if "min" in given:
        least = given["min"]
        found.append(
            (f"Member must {called} greater than or equal to {least}", lambda value: size(value, least) >= least)
        )
    pattern = _pattern(given.get("pattern", ""))
    if pattern:
        found.append(
            (
                f"Member must satisfy regular expression pattern: {given['pattern']}",
                lambda value: not isinstance(value, str) or bool(pattern.fullmatch(value)),
            )
        )
    if "enum" in given:
        words = given["enum"]
        found.append((f"Member must satisfy enum value set: [{', '.join(words)}]", lambda value: value in words))
    return found


def _sized(value: Any, otherwise: float) -> float:
    return len(value) if isinstance(value, str | list | dict) else otherwise


def _number(value: Any, otherwise: float) -> float:
    return value if isinstance(value, int | float) else otherwise


@functools.cache
def _pattern(text: str) -> re.Pattern[str] | None:
    """A pattern of the models, which are Java's; None for one that Python does not read."""
    if not text:
        return None
    try:
        return re.compile(text.replace(r"\p{ASCII}", r"[\x00-\x7f]"))
    except re.error:
        return None
