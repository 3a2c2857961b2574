"""Pipeline definitions of the SageMaker SDK, parsed and checked.

A definition that the local AWS cannot run is refused when the pipeline is created.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from localaws.server.wire import ServiceError
from localaws.services.sagemaker import expressions

VERSION = "2020-12-01"
_TYPES: dict[str, type] = {"String": str, "Integer": int, "Float": float, "Boolean": bool}
_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,255}")
_STEP_MEMBERS = {"Name", "Type", "Arguments", "DependsOn", "RetryPolicies", "DisplayName", "Description"}
_NOT_EMULATED = ("ProcessingInputs", "ProcessingOutputConfig")


def invalid(message: str) -> ServiceError:
    """The error for an invalid request."""
    return ServiceError("ValidationException", message)


def check_name(name: Any) -> None:
    """Raises ValidationException unless AWS allows the name, which is also that of a folder here."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise invalid(f"The name {name!r} must be of letters, digits and hyphens")


@dataclass(frozen=True)
class Parameter:
    """A parameter of a pipeline; required without a default."""

    name: str
    type: str
    default: Any

    def parse(self, text: Any) -> Any:
        """The typed value of a text from a start request; raises ValidationException for another type."""
        try:
            if self.type == "Boolean":
                return {"true": True, "false": False}[str(text).lower()]
            return _TYPES[self.type](text)
        except (ValueError, KeyError) as error:
            raise invalid(f"Parameter {self.name} must be of type {self.type}, not {text!r}") from error


@dataclass(frozen=True)
class Step:
    """A processing step: its job's unresolved arguments, and the names of the steps it depends on."""

    name: str
    arguments: Mapping[str, Any]
    depends_on: tuple[str, ...]


@dataclass(frozen=True)
class Definition:
    """A pipeline: parameters and steps by name, in order of definition."""

    parameters: Mapping[str, Parameter]
    steps: Mapping[str, Step]

    @classmethod
    def parse(cls, text: str) -> Definition:
        """The definition in a JSON text; raises ValidationException if it is invalid."""
        try:
            document = json.loads(text)
        except ValueError as error:
            raise invalid(f"Unable to parse pipeline definition: {error}") from error
        if not isinstance(document, dict) or document.get("Version") != VERSION:
            raise invalid(f"Pipeline definition: Version must be {VERSION}")
        parameters = _unique([_parameter(item) for item in document.get("Parameters") or []], "parameter")
        steps = _unique([_step(item) for item in document.get("Steps") or []], "step")
        if not steps:
            raise invalid("Pipeline definition: Steps is empty")
        definition = cls(parameters, steps)
        definition._check_references()
        return definition

    def _check_references(self) -> None:
        for step in self.steps.values():
            for name in step.depends_on:
                if name not in self.steps:
                    raise invalid(f"Step {step.name} depends on {name}, which is not a step of the pipeline")
            for path in expressions.references(step.arguments):
                if not expressions.is_known(path, self.parameters):
                    raise invalid(f"Step {step.name} refers to {path}, which the local AWS does not know")
        try:
            TopologicalSorter({step.name: step.depends_on for step in self.steps.values()}).prepare()
        except CycleError as error:
            raise invalid(f"Steps depend on each other in a circle: {' > '.join(error.args[1])}") from error

    def values(self, given: Mapping[str, str]) -> dict[str, Any]:
        """The value of each parameter, given or default; raises ValidationException if any is unknown or missing."""
        unknown = [name for name in given if name not in self.parameters]
        if unknown:
            raise invalid(f"Unknown pipeline parameters: {', '.join(unknown)}")
        missing = [name for name, item in self.parameters.items() if name not in given and item.default is None]
        if missing:
            raise invalid(f"Pipeline parameters without a value: {', '.join(missing)}")
        return {
            name: item.parse(given[name]) if name in given else item.default for name, item in self.parameters.items()
        }


def _unique(items: list[Any], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in items:
        if item.name in found:
            raise invalid(f"Pipeline definition: two {kind}s are called {item.name}")
        found[item.name] = item
    return found


def _parameter(item: Any) -> Parameter:
    name, kind = item.get("Name"), item.get("Type")
    if kind not in _TYPES:
        raise invalid(f"Parameter {name}: type {kind} is unknown, use one of {', '.join(_TYPES)}")
    return Parameter(name, kind, item.get("DefaultValue"))


def _step(item: Any) -> Step:
    name, kind = item.get("Name"), item.get("Type")
    check_name(name)
    if kind != "Processing":
        raise invalid(f"Step {name}: steps of type {kind} are not supported by the local AWS, only Processing")
    for member in _unsupported(item):
        raise invalid(f"Step {name}: {member} is not supported by the local AWS")
    arguments = item.get("Arguments") or {}
    if "ImageUri" not in arguments.get("AppSpecification", {}):
        raise invalid(f"Step {name}: AppSpecification.ImageUri is missing")
    return Step(name, arguments, tuple(item.get("DependsOn") or ()))


def _unsupported(item: Mapping[str, Any]) -> Iterator[str]:
    """The members of a step that the local AWS does not support."""
    yield from (name for name in item if name not in _STEP_MEMBERS and name != "CacheConfig")
    if (item.get("CacheConfig") or {}).get("Enabled"):
        yield "CacheConfig"
    arguments = item.get("Arguments") or {}
    yield from (name for name in _NOT_EMULATED if arguments.get(name))
