"""Choice states: conditions must be booleans, and the state's own Output and Assign apply to its Default."""

from __future__ import annotations

from typing import Any

from ministack.services import stepfunctions as sf

_original_choice = sf._execute_choice


def execute_choice(state_def: dict[str, Any], raw_input: Any, ctx: Any = None) -> Any:
    """The output and next state; ministack accepts any truthy condition, and ignores the state's Output."""
    if sf._state_query_language(state_def, ctx) != "JSONata":
        return _original_choice(state_def, raw_input, ctx)
    for rule in state_def["Choices"]:
        if sf._jsonata_state_field(rule, "Condition", "boolean", raw_input, ctx):
            return _taken(rule, rule["Next"], raw_input, ctx)
    if "Default" not in state_def:
        raise sf._ExecutionError("States.NoChoiceMatched", "No choice rule matched and no Default")
    return _taken(state_def, state_def["Default"], raw_input, ctx)


def _taken(place: dict[str, Any], following: str, raw_input: Any, ctx: Any) -> Any:
    """The output and next state of the rule or state that decides."""
    place = {**place, "QueryLanguage": "JSONata"}
    output = sf._apply_jsonata_output(place, raw_input, ctx, default=raw_input)
    sf._apply_state_assign(place, raw_input, ctx)
    return output, following
