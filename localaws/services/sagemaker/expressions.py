"""References in a pipeline definition: {"Get": "Parameters.X"} and {"Std:Join": {...}}."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

EXECUTION_VARIABLES = (
    "CurrentDateTime",
    "PipelineArn",
    "PipelineExecutionArn",
    "PipelineExecutionId",
    "PipelineName",
    "StartDateTime",
)


def references(value: Any) -> Iterator[str]:
    """The path of every Get in a value."""
    if isinstance(value, Mapping):
        if set(value) == {"Get"}:
            yield str(value["Get"])
            return
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def is_known(path: str, parameters: Collection[str]) -> bool:
    """Whether a path is a parameter or a variable of the execution."""
    kind, _, name = path.partition(".")
    return name in (parameters if kind == "Parameters" else EXECUTION_VARIABLES if kind == "Execution" else ())


def resolve(value: Any, scope: Mapping[str, Mapping[str, Any]]) -> Any:
    """The value with every reference replaced; `scope` holds Parameters and Execution."""
    if isinstance(value, list):
        return [resolve(item, scope) for item in value]
    if not isinstance(value, Mapping):
        return value
    if set(value) == {"Get"}:
        kind, _, name = value["Get"].partition(".")
        return scope[kind][name]
    if set(value) == {"Std:Join"}:
        join = value["Std:Join"]
        return join.get("On", "").join(text(resolve(item, scope)) for item in join["Values"])
    return {name: resolve(item, scope) for name, item in value.items()}


def text(value: Any) -> str:
    """A value as a container's argument."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
