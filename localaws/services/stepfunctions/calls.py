"""The call of a service that a task makes: its service and operation, and whether Step Functions takes the arguments.

An integration of the SDK names members as the AWS SDK for Java does (`Bool`, `Ss`, `Nul`), an optimised one as the
service itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import _service_model
from ministack.services import stepfunctions as sf

_RESOURCE = re.compile(r"arn:aws:states:::(aws-sdk:)?([a-z0-9-]+):([a-zA-Z0-9]+)(\.\w+)?(:2)?")
_TYPES: dict[str, tuple[type | tuple[type, ...], str]] = {
    "string": (str, "STRING"),
    "structure": (dict, "MAP"),
    "map": (dict, "MAP"),
    "list": (list, "LIST"),
    "boolean": (bool, "BOOLEAN"),
    "integer": ((int, float), "INTEGER"),
    "long": ((int, float), "INTEGER"),
}
_JSON = ("Detail", "Input", "Message", "MessageBody")
"""Texts for which Step Functions takes any JSON, and writes it down."""


@dataclass(frozen=True)
class Call:
    """A call as the resource of a task names it; `service` is that of ministack and `name` that of the resource."""

    name: str
    service: str
    operation: str
    is_sdk: bool
    pattern: str

    @classmethod
    def of(cls, resource: str) -> Call | None:
        """The call of a resource; None for functions, activities and services that are not known."""
        found = _RESOURCE.fullmatch(resource)
        if found is None:
            return None
        sdk, name, action, pattern, _ = found.groups()
        if sdk and name not in sf._AWS_SDK_SERVICE_MAP:
            return None
        service = sf._AWS_SDK_SERVICE_MAP[name].get("service_key", name) if sdk else name
        return cls(name, service, action[0].upper() + action[1:], bool(sdk), pattern or "")

    def problems(self, arguments: Any) -> list[str]:
        """Why Step Functions does not start a task with these arguments, whose expressions may still be there."""
        model = _service_model(self.service)
        if model is None or self.operation not in model.operation_names:
            return []
        shape = model.operation_model(self.operation).input_shape
        return list(self._problems(arguments, shape, "Arguments")) if shape else []

    def _problems(self, value: Any, shape: Any, field: str) -> Iterator[str]:
        if isinstance(value, str) and value.startswith("{%") and value.endswith("%}"):
            return
        kind, called = _TYPES.get(shape.type_name, (object, ""))
        fits = isinstance(value, kind) and not (isinstance(value, bool) and called == "INTEGER")
        if not fits:
            if field not in _JSON:
                yield f"The value for the field '{field}' must be a {called}"
        elif shape.type_name == "structure" and not getattr(shape, "is_document_type", False):
            yield from self._members(value, shape)
        elif shape.type_name == "list":
            for item in value:
                yield from self._problems(item, shape.member, field)
        elif shape.type_name == "map":
            for key, item in value.items():
                yield from self._problems(item, shape.value, key)

    def _members(self, value: Mapping[str, Any], shape: Any) -> Iterator[str]:
        members = {self._member(shape, name): member for name, member in shape.members.items()}
        yield from (
            f"The field '{name}' is required but was missing"
            for name in (self._member(shape, required) for required in shape.required_members)
            if name not in value and not members[name].metadata.get("idempotencyToken")
        )
        for name, item in value.items():
            if name not in members:
                yield f"The field '{name}' is not supported by Step Functions"
            else:
                yield from self._problems(item, members[name], name)

    def _member(self, shape: Any, name: str) -> str:
        if not self.is_sdk:
            return name[0].upper() + name[1:]
        named: str = sf._SDK_MEMBER_NAME_OVERRIDES.get((shape.name, name)) or sf._api_name_to_sfn_key(name)
        return named


def check_arguments(call: Call, arguments: Any, state: str) -> None:
    """Fails a task whose arguments Step Functions does not take, as with a name in another case.

    Raises:
        _ExecutionError: States.Runtime, which nothing catches.
    """
    if found := call.problems(arguments):
        text = json.dumps(arguments, ensure_ascii=False)
        raise sf._ExecutionError(
            "States.Runtime",
            f"An error occurred while executing the state '{state}'. The Arguments '{text}' could not be used to start "
            f"the Task: [{', '.join(found)}]",
        )
