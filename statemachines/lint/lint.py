"""A lint for what the public checkers of state machines miss: variables, `$states`, and what AWS does not evaluate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from statemachines.lint.expressions import LIBRARY, expressions_in, read
from statemachines.lint.fields import RESERVED, assigned_in, field_problems

ANYWHERE = frozenset({"input", "context"})
WITH_RESULT = ANYWHERE | {"result"}
WITH_ERROR = ANYWHERE | {"errorOutput"}
HAS_RESULT = ("Task", "Map", "Parallel")
NESTED = ("ItemProcessor", "Branches", "Catch", "Choices")


@dataclass(frozen=True)
class Problem:
    """Something wrong with a state: where, and what."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(frozen=True)
class Edge:
    """A way from one state to another, and the variables that are assigned on it."""

    target: str
    assigned: frozenset[str]


def lint(definition: Mapping[str, Any]) -> list[Problem]:
    """All problems of a machine, in the order of its states."""
    return list(_lint_machine(definition, frozenset(), frozenset(), ""))


def _lint_machine(
    machine: Mapping[str, Any], outer: frozenset[str], taken: frozenset[str], path: str
) -> Iterator[Problem]:
    """Problems of a machine that sees the variables `outer`, and around which those in `taken` are assigned."""
    states = machine["States"]
    known = _assigned_before(machine, outer)
    for name in sorted(assigned_in(states) & taken):
        yield Problem(path.rstrip("/"), f"assigns ${name} inside, which is assigned outside too: names must differ")
    taken |= assigned_in(states)
    for name, state in states.items():
        where = f"{path}{name}"
        for edge in _edges(state):
            if edge.target not in states:
                yield Problem(where, f"goes on to {edge.target}, which does not exist")
        if name not in known:
            yield Problem(where, "cannot be reached")
            continue
        yield from (Problem(where, what) for what in field_problems(state))
        yield from _lint_state(state, known[name], where)
        if "ItemProcessor" in state:
            processor = state["ItemProcessor"]
            shared = processor.get("ProcessorConfig", {}).get("Mode") != "DISTRIBUTED"
            yield from _lint_machine(processor, known[name] if shared else frozenset(), taken, f"{where}/")
        for branch in state.get("Branches", []):
            yield from _lint_machine(branch, known[name], taken, f"{where}/")


def _assigned_before(machine: Mapping[str, Any], outer: frozenset[str]) -> dict[str, frozenset[str]]:
    """For each state that can be reached, the variables that are assigned on every way there."""
    known = {machine["StartAt"]: outer}
    pending = [machine["StartAt"]]
    while pending:
        name = pending.pop()
        for edge in _edges(machine["States"].get(name, {})):
            arriving = known[name] | edge.assigned
            merged = known[edge.target] & arriving if edge.target in known else arriving
            if known.get(edge.target) != merged:
                known[edge.target] = merged
                pending.append(edge.target)
    return known


def _edges(state: Mapping[str, Any]) -> Iterator[Edge]:
    own = frozenset(state.get("Assign", {}))
    for key in ("Next", "Default"):
        if key in state:
            yield Edge(state[key], own)
    for rule in (*state.get("Choices", []), *state.get("Catch", [])):
        yield Edge(rule["Next"], frozenset(rule.get("Assign", {})))


def fields_with_expressions(
    state: Mapping[str, Any], where: str = "", separator: str = "."
) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Place and text of each expression of a state, leaving out states inside, and the fields of `$states` it has."""
    has_result = state["Type"] in HAS_RESULT
    for field, value in state.items():
        if field not in NESTED:
            allowed = WITH_RESULT if has_result and field in ("Assign", "Output") else ANYWHERE
            yield from _of_field(value, f"{where}{separator}{field}", separator, allowed)
    for number, rule in enumerate(state.get("Choices", [])):
        yield from _of_field(rule, f"{where}{separator}Choices[{number}]", separator, ANYWHERE)
    for number, catcher in enumerate(state.get("Catch", [])):
        yield from _of_field(catcher, f"{where}{separator}Catch[{number}]", separator, WITH_ERROR)


def _of_field(
    value: Any, path: str, separator: str, allowed: frozenset[str]
) -> Iterator[tuple[str, str, frozenset[str]]]:
    yield from ((place, text, allowed) for place, text in expressions_in(value, path, separator))


def _lint_state(state: Mapping[str, Any], known: frozenset[str], where: str) -> Iterator[Problem]:
    for place, expression, allowed in fields_with_expressions(state, where):
        reading = read(expression)
        if reading.problem:
            yield Problem(place, reading.problem)
        for name in sorted(reading.variables - known - {RESERVED}):
            yield Problem(place, f"uses ${name}, which is not assigned on every way here")
        for name in sorted(reading.functions - LIBRARY - known):
            yield Problem(place, f"calls ${name}, which Step Functions does not have")
        for name in sorted(reading.states_fields - allowed):
            yield Problem(place, f"uses $states.{name}, which does not exist here")
        for name in sorted(reading.implicit):
            yield Problem(place, f"uses {name} of the input document, which AWS does not provide: use $states.input")
