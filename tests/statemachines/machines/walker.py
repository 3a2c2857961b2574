"""A small interpreter of state machines: what the language says of each state, with given results in place of calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from statemachines.definitions import states_of
from tests.statemachines.machines.jsonata_engines import Engine, QueryError

STARTED = "2026-03-10T13:23:19.000Z"
NO_ITEMS = "the object of the items is missing, in words of the engine's own"


class StateError(Exception):
    """An error that Retry and Catch may match."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause


Response = Any
"""What a call returns, or the StateError that it throws."""


@dataclass
class Script:
    """What the calls of an execution answer: the responses of each state in the order of its attempts, the last one
    for all that follow; and the items that each map reads, none where their object is missing."""

    responses: Mapping[str, Sequence[Response]]
    items: Mapping[str, Sequence[Any] | None] = field(default_factory=dict)


@dataclass
class Walk:
    """The way of one execution: states in order, those of a child of a map as `Map/State`; what was taken in them; and
    how it ended.

    `taken` has (state, "rule" | "retrier" | "catcher", index), for the default of a choice the index -1.
    """

    states: list[str] = field(default_factory=list)
    taken: set[tuple[str, str, int]] = field(default_factory=set)
    arguments: dict[str, list[Any]] = field(default_factory=dict)
    status: str = "SUCCEEDED"
    output: Any = None
    error: str = ""
    cause: str = ""
    children: list[Walk] = field(default_factory=list)

    def everywhere(self) -> Iterator[Walk]:
        """This way and those of all children."""
        yield self
        for child in self.children:
            yield from child.everywhere()


class Walker:
    """Executions of one machine."""

    def __init__(self, machine: str, definition: Mapping[str, Any], engine: Engine) -> None:
        self.machine = machine
        self._definition = definition
        self._engine = engine
        self.states = dict(states_of(definition))

    def walk(self, message: Any, script: Script, name: str = "test") -> Walk:
        """The way of an execution."""
        arn = f"arn:aws:states:us-east-1:000000000000:execution:{self.machine}:{name}"
        execution = {"Id": arn, "Name": name, "Input": message, "StartTime": STARTED, "RedriveCount": 0}
        return _Execution(self._engine, script, {"Execution": execution}).run(self._definition, message, "")

    def state(self, name: str, given: Any, variables: Mapping[str, Any] | None = None, result: Any = None) -> Outcome:
        """What a single state makes of its input, the variables before it, and the result of its call."""
        script = Script({name.rpartition("/")[2]: [result]})
        execution = {"Id": "arn:execution", "Name": "test", "Input": given, "StartTime": STARTED, "RedriveCount": 0}
        running = _Execution(self._engine, script, {"Execution": execution}, dict(variables or {}))
        output, target = running.step(name, self.states[name], given)
        return Outcome(output, running.variables, target)


@dataclass(frozen=True)
class Outcome:
    """Output, variables and next state after a single state."""

    output: Any
    variables: Mapping[str, Any]
    target: str | None


class _Execution:
    def __init__(
        self, engine: Engine, script: Script, context: Mapping[str, Any], variables: dict[str, Any] | None = None
    ) -> None:
        self._engine = engine
        self._script = script
        self._context = context
        self._attempts: dict[str, int] = {}
        self.variables = variables or {}
        self._walk = Walk()

    def run(self, machine: Mapping[str, Any], data: Any, prefix: str) -> Walk:
        walk = self._walk
        name: str | None = machine["StartAt"]
        try:
            while name:
                walk.states.append(prefix + name)
                data, name = self.step(prefix + name, machine["States"][name], data)
            walk.output = data
        except StateError as error:
            walk.status, walk.error, walk.cause = "FAILED", error.error, error.cause
        return walk

    def step(self, name: str, state: Mapping[str, Any], data: Any) -> tuple[Any, str | None]:
        kind = state["Type"]
        if kind == "Fail":
            raise StateError(self._fill(state["Error"], data), self._fill(state["Cause"], data))
        if kind == "Choice":
            return self._choose(name, state, data)
        if kind in ("Task", "Map"):
            return self._call(name, state, data)
        if kind == "Wait":
            assert self._fill(state["Seconds"], data) >= 0
        return self._leave(state, data, data)

    def _leave(self, holder: Mapping[str, Any], data: Any, default: Any, **states: Any) -> tuple[Any, str | None]:
        output = self._fill(holder["Output"], data, **states) if "Output" in holder else default
        self.variables.update(self._fill(holder.get("Assign", {}), data, **states))
        return output, holder.get("Next")

    def _choose(self, name: str, state: Mapping[str, Any], data: Any) -> tuple[Any, str | None]:
        for number, rule in enumerate(state["Choices"]):
            holds = self._fill(rule["Condition"], data)
            if not isinstance(holds, bool):
                raise StateError("States.QueryEvaluationError", f"the condition is {holds!r}")
            if holds:
                self._walk.taken.add((name, "rule", number))
                return self._leave(rule, data, data)
        self._walk.taken.add((name, "rule", -1))
        return self._leave({**state, "Next": state["Default"]}, data, data)

    def _call(self, name: str, state: Mapping[str, Any], data: Any) -> tuple[Any, str | None]:
        retries: dict[int, int] = {}
        while True:
            try:
                result = self._map(name, state, data) if state["Type"] == "Map" else self._task(name, state, data)
                return self._leave(state, data, result, result=result)
            except StateError as error:
                number = matching(state.get("Retry", []), error.error)
                if number is not None:
                    self._walk.taken.add((name, "retrier", number))
                    retries[number] = retries.get(number, 0) + 1
                    if retries[number] <= state["Retry"][number].get("MaxAttempts", 3):
                        continue
                number = matching(state.get("Catch", []), error.error)
                if number is None:
                    raise
                self._walk.taken.add((name, "catcher", number))
                caught = {"Error": error.error, "Cause": error.cause}
                return self._leave(state["Catch"][number], data, caught, errorOutput=caught)

    def _task(self, name: str, state: Mapping[str, Any], data: Any) -> Any:
        self._walk.arguments.setdefault(name, []).append(self._fill(state["Arguments"], data))
        assert self._fill(state.get("TimeoutSeconds", 1), data) > 0
        own = name.rpartition("/")[2]
        responses = self._script.responses[own]
        attempt = self._attempts.get(own, 0)
        self._attempts[own] = attempt + 1
        response = responses[min(attempt, len(responses) - 1)]
        if isinstance(response, StateError):
            raise response
        return response

    def _map(self, name: str, state: Mapping[str, Any], data: Any) -> list[Any]:
        self._walk.arguments.setdefault(name, []).append(self._fill(state["ItemReader"]["Arguments"], data))
        assert self._fill(state["MaxConcurrency"], data) >= 1
        items = self._script.items[name]
        if items is None:
            raise StateError("States.ItemReaderFailed", NO_ITEMS)
        results = []
        for index, item in enumerate(items):
            context = {**self._context, "Map": {"Item": {"Index": index, "Value": item}}}
            given = _Execution(self._engine, self._script, context, self.variables)._fill(state["ItemSelector"], data)
            label = f"{self._context['Execution']['Id']}/{state['Label']}:{index}"
            execution = {**self._context["Execution"], "Id": label, "Name": str(index), "Input": given}
            child = _Execution(self._engine, self._script, {"Execution": execution})
            walk = child.run(state["ItemProcessor"], given, f"{name}/")
            self._walk.children.append(walk)
            if walk.status == "SUCCEEDED":
                results.append(walk.output)
        return results

    def _fill(self, value: Any, data: Any, **states: Any) -> Any:
        """The value with its expressions evaluated."""
        if isinstance(value, dict):
            return {key: self._fill(inner, data, **states) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._fill(inner, data, **states) for inner in value]
        if isinstance(value, str) and value.startswith("{%"):
            try:
                given = {"input": data, "context": self._context, **states}
                return self._engine.evaluate(value[2:-2].strip(), self.variables, given)
            except QueryError as error:
                raise StateError("States.QueryEvaluationError", str(error)) from error
        return value


def matching(rules: Sequence[Mapping[str, Any]], error: str) -> int | None:
    """The number of the first retrier or catcher that takes the error; None if none does."""
    for number, rule in enumerate(rules):
        names = rule["ErrorEquals"]
        if error in names or "States.ALL" in names or ("States.TaskFailed" in names and error != "States.Timeout"):
            return number
    return None
