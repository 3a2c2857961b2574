"""The loop over states, for executions, branches and iterations, with their histories."""

from __future__ import annotations

import copy
import json
from typing import Any

from ministack.services import stepfunctions as sf

from localaws.services.stepfunctions.scope import current
from localaws.services.stepfunctions.variables import limit

_TIMES = ("TimeoutSeconds", "HeartbeatSeconds")


def run_states(
    states: dict[str, Any], start_at: str, input_data: Any, execution: dict[str, Any], ctx: dict[str, Any]
) -> Any:
    """The output of the last state."""
    name: str | None = start_at
    data = copy.deepcopy(input_data)
    while name:
        current().check()
        state = states.get(name)
        if state is None:
            raise sf._ExecutionError("States.Runtime", f"State '{name}' not found in definition")
        kind = state.get("Type")
        ctx["State"] = {"Name": name, "EnteredTime": sf.now_iso(), "RetryCount": 0}
        _event(execution, f"{kind}StateEntered", "stateEnteredEventDetails", name, input=data)
        data, following = _run_state(kind, state, data, execution, ctx)
        limit(data, name)
        _event(execution, f"{kind}StateExited", "stateExitedEventDetails", name, output=data)
        name = following
    return data


def _event(execution: dict[str, Any], kind: str, member: str, name: str, **data: Any) -> None:
    details = {key: json.dumps(value) for key, value in data.items()}
    sf._add_event(execution, kind, {member: {"name": name, **details}})


def _run_state(
    kind: str | None, state: dict[str, Any], data: Any, execution: dict[str, Any], ctx: dict[str, Any]
) -> tuple[Any, str | None]:
    """The output and next state of a state."""
    if kind == "Succeed":
        return _succeed(state, data, ctx), None
    if kind == "Fail":
        raise sf._ExecutionError(*sf._fail_state_error(state, data, ctx))
    following: tuple[Any, str | None]
    if kind in ("Task", "Parallel", "Map"):
        handler = {"Task": sf._execute_task, "Parallel": sf._execute_parallel, "Map": sf._execute_map}[kind]
        following = handler(_with_times(state, data, ctx), data, execution, ctx)
    elif kind in ("Pass", "Choice", "Wait"):
        handler = {"Pass": sf._execute_pass, "Choice": sf._execute_choice, "Wait": sf._execute_wait}[kind]
        following = handler(state, data, ctx)
    else:
        raise sf._ExecutionError("States.Runtime", f"Unknown state type: {kind}")
    return following


def _succeed(state: dict[str, Any], data: Any, ctx: dict[str, Any]) -> Any:
    """The output of a Succeed state; ministack ignores its Output."""
    if sf._state_query_language(state, ctx) == "JSONata":
        return sf._apply_jsonata_output(state, data, ctx, default=data)
    return sf._apply_output_path(state, sf._apply_input_path(state, data, ctx), ctx)


def _with_times(state: dict[str, Any], data: Any, ctx: dict[str, Any]) -> dict[str, Any]:
    """The state with its time limits evaluated to numbers, which ministack does not do."""
    if sf._state_query_language(state, ctx) != "JSONata":
        return state
    times = {name: sf._jsonata_state_field(state, name, "number", data, ctx) for name in _TIMES if name in state}
    return {**state, **times}
