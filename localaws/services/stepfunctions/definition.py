"""Checks of a definition when a state machine is created or updated."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ministack.services import stepfunctions as sf

_NOT_EMULATED = ("ItemBatcher", "ResultWriter")

_original_validate = sf._validate_definition_jsonata


def validate_definition(definition_str: str) -> str | None:
    """The first problem of a definition; None if it can run."""
    refusal = _original_validate(definition_str)
    if refusal:
        return str(refusal)
    try:
        definition = json.loads(definition_str)
    except (TypeError, ValueError) as error:
        return f"INVALID_JSON_DESCRIPTION: {error}"
    return next(_refusals(definition), None) if isinstance(definition, dict) else "INVALID_JSON_DESCRIPTION: no object"


def _refusals(machine: dict[str, Any], place: str = "") -> Iterator[str]:
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
        for inner in [
            *state.get("Branches", []),
            *(state[key] for key in ("ItemProcessor", "Iterator") if key in state),
        ]:
            yield from _refusals(inner, path)


def _targets(state: dict[str, Any]) -> Iterator[str]:
    """Every possible next state."""
    for holder in [state, *state.get("Choices", []), *state.get("Catch", [])]:
        yield from (holder[key] for key in ("Next", "Default") if key in holder)
