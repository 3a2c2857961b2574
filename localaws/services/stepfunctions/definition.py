"""Checks of a definition when a state machine is created or updated."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ministack.services import stepfunctions as sf

from localaws.services.stepfunctions import rights
from localaws.services.stepfunctions.calls import Call
from statemachines.lint.expressions import LIBRARY, Reading, read
from statemachines.lint.lint import fields_with_expressions

_NOT_EMULATED = ("ItemBatcher", "ResultWriter")

_original_validate = sf._validate_definition_jsonata
_original_create = sf._create_state_machine
_original_update = sf._update_state_machine


def create_state_machine(data: dict[str, Any]) -> Any:
    """Creates a machine, with a role that Step Functions can assume."""
    answer = _refused(data.get("roleArn"), data.get("definition")) or _original_create(data)
    return _with_tracing(answer, data, data.get("tracingConfiguration", {"enabled": False}))


def update_state_machine(data: dict[str, Any]) -> Any:
    """Updates a machine, with a role that Step Functions can assume."""
    now = {**(sf._state_machines.get(data.get("stateMachineArn")) or {}), **data}
    answer = _refused(now.get("roleArn"), now.get("definition")) or _original_update(data)
    return _with_tracing(answer, data, data.get("tracingConfiguration"))


def _with_tracing(answer: Any, data: dict[str, Any], wanted: Any) -> Any:
    """The answer, once the machine that it is about says whether it is traced, which ministack forgets.

    Nothing is traced here.
    """
    status, _, body = answer
    if status == 200 and wanted is not None:
        arn = data.get("stateMachineArn") or json.loads(body)["stateMachineArn"]
        sf._state_machines[arn]["tracingConfiguration"] = wanted
    return answer


def _refused(role: Any, definition: Any) -> Any:
    """The error for a role that will not do; None for one that will, and without a role."""
    message = rights.refusal(str(role), str(definition)) if role else ""
    return sf.error_response_json("AccessDeniedException", message, 400) if message else None


def validate_definition(definition_str: str) -> str | None:
    """AWS's message about the first problem of a definition; None if it can run."""
    problem = _original_validate(definition_str) or _first_problem(definition_str)
    return f"Invalid State Machine Definition: '{problem}'" if problem else None


def _first_problem(definition_str: str) -> str | None:
    try:
        definition = json.loads(definition_str)
    except (TypeError, ValueError) as error:
        return f"INVALID_JSON_DESCRIPTION: {error}"
    if not isinstance(definition, dict):
        return "INVALID_JSON_DESCRIPTION: no object"
    return next(_refusals(definition, definition.get("QueryLanguage", "JSONPath")), None)


def _refusals(machine: dict[str, Any], language: str, place: str = "") -> Iterator[str]:
    states = machine.get("States") or {}
    if machine.get("StartAt") not in states:
        yield f"MISSING_TRANSITION_TARGET: StartAt is not a state at {place}/StartAt"
    for name, state in states.items():
        path = f"{place}/States/{name}"
        for target in _targets(state):
            if target not in states:
                yield f"MISSING_TRANSITION_TARGET: Missing 'Next' target: {target} at {path}"
        yield from (
            f"{member} is not supported by the local AWS at {path}" for member in _NOT_EMULATED if member in state
        )
        if state.get("QueryLanguage", language) == "JSONata":
            yield from _jsonata_refusals(state, path)
        for inner in [
            *state.get("Branches", []),
            *(state[key] for key in ("ItemProcessor", "Iterator") if key in state),
        ]:
            yield from _refusals(inner, language, path)


def _jsonata_refusals(state: dict[str, Any], path: str) -> Iterator[str]:
    call = Call.of(state.get("Resource", ""))
    if call and isinstance(state.get("Arguments"), dict):
        for problem in call.problems(state["Arguments"]):
            yield f"SCHEMA_VALIDATION_FAILED: {problem} at {path}/Arguments"
    for place, expression, allowed in fields_with_expressions(state, path, "/"):
        for problem in _unsupported(read(expression), allowed):
            yield f"UNSUPPORTED_JSONATA_EXPRESSION: {problem} at {place}"


def _unsupported(reading: Reading, allowed: frozenset[str]) -> Iterator[str]:
    """What an expression refers to and AWS does not have there; a variable that is not assigned, it only warns of."""
    for name in sorted(reading.implicit):
        yield (
            f"Reference to '{name}' is not supported."
            if name == "$$"
            else (f"Reference to '{name}' at the top level is not supported.")
        )
    for name in sorted(reading.states_fields - allowed):
        yield f"Field '$states.{name}' does not exist."
    for name in sorted(reading.functions - LIBRARY):
        yield f"Function '${name}' is not supported."


def _targets(state: dict[str, Any]) -> Iterator[str]:
    """Every possible next state."""
    for holder in [state, *state.get("Choices", []), *state.get("Catch", [])]:
        yield from (holder[key] for key in ("Next", "Default") if key in holder)
