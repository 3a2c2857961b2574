"""Mocked responses of tasks, one per attempt, as in Step Functions Local.

ministack chooses a response once per visit of a state: an error of the first attempt repeats in all retries, arguments
are not evaluated, and the task adds no events.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from ministack.services import stepfunctions as sf

Response = Mapping[str, Any]

_original_execute = sf._execute_task
_original_invoke = sf._invoke_resource
_original_response = sf._get_mock_response

_responder: ContextVar[Callable[[], Response | None] | None] = ContextVar("responder", default=None)


def execute_task(state_def: dict[str, Any], raw_input: Any, execution: dict[str, Any], ctx: dict[str, Any]) -> Any:
    """The output and next state of a task; the execution's test case, if any, answers its calls."""
    case = execution.get("testCase", "")
    # the child executions of a distributed map belong to <machine>/<label>
    machine, state = ctx["StateMachine"]["Name"].partition("/")[0], ctx["State"]["Name"]

    def respond() -> Response | None:
        attempts = execution["mockAttempts"]
        attempts[state] = attempts.get(state, 0) + 1
        response: Response | None = _original_response(machine, case, state, attempts[state] - 1)
        return response

    token = _responder.set(respond if case else None)
    try:
        return _original_execute(state_def, raw_input, execution, ctx)
    finally:
        _responder.reset(token)


def get_mock_response(sm_name: str, test_case: str, state_name: str, attempt: int) -> None:
    """None always: `invoke_resource` answers the task's calls instead."""


def invoke_resource(resource: str, input_data: Any) -> Any:
    """The response to a task's call: from the test case, else from the service."""
    respond = _responder.get()
    response = respond() if respond else None
    if response is None:
        return _original_invoke(resource, input_data)
    if "Throw" in response:
        thrown = response["Throw"]
        raise sf._ExecutionError(thrown.get("Error", "MockError"), thrown.get("Cause", ""))
    return response.get("Return", {})
