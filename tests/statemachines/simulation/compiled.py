"""Definitions of state machines, compiled: what the stepper runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.statemachines.simulation.values import Template


class State:
    """One state, its templates compiled."""

    def __init__(self, name: str, source: Mapping[str, Any]) -> None:
        self.name = name
        self.kind: str = source["Type"]
        self.next: str | None = source.get("Next")
        self.default: str | None = source.get("Default")
        self.resource: str = source.get("Resource", "").removeprefix("arn:aws:states:::")
        self.label: str = source.get("Label", "")
        self.retry: Sequence[Mapping[str, Any]] = source.get("Retry", [])
        self.catch: Sequence[Mapping[str, Any]] = source.get("Catch", [])
        self.leave = Leave(source)
        self.rules = [(Template(rule["Condition"]), Leave(rule)) for rule in source.get("Choices", [])]
        self.catches = [Leave(rule) for rule in self.catch]
        self.templates = {
            key: Template(source[key])
            for key in ("Arguments", "Seconds", "TimeoutSeconds", "Error", "Cause", "MaxConcurrency", "ItemSelector")
            if key in source
        }
        if self.kind == "Map":
            self.reader = Template(source["ItemReader"]["Arguments"])
            self.processor = Machine(f"{name}", source["ItemProcessor"])
        assert self.kind in ("Pass", "Choice", "Task", "Map", "Wait", "Succeed", "Fail"), self.kind


class Leave:
    """How a state, rule or catcher is left: output, variables, next state."""

    def __init__(self, source: Mapping[str, Any]) -> None:
        self.output = Template(source["Output"]) if "Output" in source else None
        self.assign = Template(source["Assign"]) if "Assign" in source else None
        self.next: str | None = source.get("Next")


class Machine:
    """A definition, compiled; that of a map's children too."""

    def __init__(self, name: str, definition: Mapping[str, Any]) -> None:
        self.name = name
        self.start: str = definition["StartAt"]
        self.timeout: int | None = definition.get("TimeoutSeconds")
        self.states = {key: State(key, source) for key, source in definition["States"].items()}
