"""Executions started by executions: a child's failure is States.TaskFailed, and a child ends with its parent."""

from __future__ import annotations

import json
from typing import Any

from ministack.services import stepfunctions as sf

from localaws.services.stepfunctions import executions
from localaws.services.stepfunctions.scope import HaltedError, current


def invoke_nested_start_execution(resource: str, input_data: dict[str, Any]) -> dict[str, Any]:
    """Starts an execution without waiting for it; errors have Step Functions' names."""
    payload = _start(input_data)
    return {"ExecutionArn": payload["executionArn"], "StartDate": sf._iso_to_epoch_ms(payload["startDate"])}


def invoke_nested_start_execution_sync(resource: str, input_data: dict[str, Any]) -> dict[str, Any]:
    """Starts an execution and waits for its result; raises States.TaskFailed unless it succeeds."""
    arn = _start(input_data)["executionArn"]
    try:
        current().wait_for(executions.finished(arn))
    except HaltedError:
        executions.stop_execution({"executionArn": arn, "cause": "its parent execution ended"})
        raise
    execution = sf._executions[arn]
    result = _description(execution)
    if execution["status"] != "SUCCEEDED":
        raise sf._ExecutionError("States.TaskFailed", json.dumps(result))
    if resource.endswith(".sync:2"):
        result["Output"] = json.loads(execution["output"])
    return result


def _start(input_data: dict[str, Any]) -> dict[str, Any]:
    status, _, body = sf._start_execution(sf._nested_start_execution_request(input_data))
    payload: dict[str, Any] = json.loads(body)
    if status >= 400:
        raise sf._ExecutionError(f"StepFunctions.{payload['__type']}Exception", payload.get("message", ""))
    return payload


def _description(execution: dict[str, Any]) -> dict[str, Any]:
    """The description of an execution, with the member names of an integration."""
    members = {
        "Cause": execution.get("cause"),
        "Error": execution.get("error"),
        "ExecutionArn": execution["executionArn"],
        "Input": execution["input"],
        "InputDetails": {"Included": True},
        "Name": execution["name"],
        "Output": execution["output"],
        "OutputDetails": {"Included": True} if execution["output"] else None,
        "RedriveCount": 0,
        "StartDate": sf._iso_to_epoch_ms(execution["startDate"]),
        "StateMachineArn": execution["stateMachineArn"],
        "StateMachineVersionArn": execution.get("stateMachineVersionArn"),
        "Status": execution["status"],
        "StopDate": sf._iso_to_epoch_ms(execution["stopDate"]),
    }
    return {name: value for name, value in members.items() if value is not None}
