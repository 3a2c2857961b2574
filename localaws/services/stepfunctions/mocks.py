"""The calls of tasks: checked as AWS checks them, and answered by the service or by a mocked response.

There is one response per attempt, as in Step Functions Local. ministack chooses one per visit of a state: an error of
the first attempt repeats in all retries, arguments are not evaluated, and the task adds no events.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from ministack.services import stepfunctions as sf

from localaws.services.stepfunctions import rights
from localaws.services.stepfunctions.calls import Call, check_arguments
from localaws.services.stepfunctions.variables import limit

Response = Mapping[str, Any]

_original_execute = sf._execute_task
_original_invoke = sf._invoke_resource
_original_response = sf._get_mock_response


@dataclass(frozen=True)
class _Task:
    """The task that a thread carries out; `machine` is the one whose test cases answer."""

    execution: dict[str, Any]
    machine: str
    state: str

    def response(self) -> Response | None:
        """The answer of the execution's test case to this attempt; None without one."""
        case = self.execution.get("testCase")
        if not case:
            return None
        attempts = self.execution["mockAttempts"]
        attempts[self.state] = attempts.get(self.state, 0) + 1
        found: Response | None = _original_response(self.machine, case, self.state, attempts[self.state] - 1)
        return found


_current: ContextVar[_Task | None] = ContextVar("task", default=None)


def execute_task(state_def: dict[str, Any], raw_input: Any, execution: dict[str, Any], ctx: dict[str, Any]) -> Any:
    """The output and next state of a task; the execution's test case, if any, answers its calls."""
    # the child executions of a distributed map belong to <machine>/<label>
    machine, state = ctx["StateMachine"]["Name"].partition("/")[0], ctx["State"]["Name"]
    token = _current.set(_Task(execution, machine, state))
    try:
        return _original_execute(state_def, raw_input, execution, ctx)
    finally:
        _current.reset(token)


def get_mock_response(sm_name: str, test_case: str, state_name: str, attempt: int) -> None:
    """None always: `invoke_resource` answers the task's calls instead."""


def invoke_resource(resource: str, input_data: Any) -> Any:
    """The response to a task's call: from the test case, else from the service."""
    task, call = _current.get(), Call.of(resource)
    if task is None:  # a state that is tested by itself
        return _original_invoke(resource, input_data)
    limit(input_data, task.state)
    if call:
        check_arguments(call, input_data, task.state)
    place = {"resource": resource, "resourceType": "states"}
    sf._add_event(task.execution, "TaskStarted", {"taskStartedEventDetails": place})
    response = task.response()
    if response is None:
        if call:
            rights.check(task.execution, call, input_data)
        if ".sync" in resource:
            sf._add_event(task.execution, "TaskSubmitted", {"taskSubmittedEventDetails": place})
        result = _original_invoke(resource, input_data)
    elif "Throw" in response:
        thrown = response["Throw"]
        raise sf._ExecutionError(thrown.get("Error", "MockError"), thrown.get("Cause", ""))
    else:
        result = response.get("Return", {})
    limit(result, task.state)
    return result
