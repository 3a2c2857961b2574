"""Executions from start to end: each runs in a thread, and ends early on StopExecution or its time limit."""

from __future__ import annotations

import json
import random
import re
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import stepfunctions as sf

from localaws.services.stepfunctions import history
from localaws.services.stepfunctions.scope import HaltedError, Scope, current, entered
from localaws.services.stepfunctions.variables import MAX_BYTES

_NAME = re.compile(r"^[^\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}$")
_EVENTS = {
    "SUCCEEDED": ("ExecutionSucceeded", "executionSucceededEventDetails", ("output",)),
    "FAILED": ("ExecutionFailed", "executionFailedEventDetails", ("error", "cause")),
    "TIMED_OUT": ("ExecutionTimedOut", "executionTimedOutEventDetails", ("error", "cause")),
    "ABORTED": ("ExecutionAborted", "executionAbortedEventDetails", ("error", "cause")),
}

_original_start = sf._start_execution
_original_describe = sf._describe_execution
_original_delete = sf._delete_state_machine

_lock = threading.RLock()
_scopes: dict[str, Scope] = {}
_finished: dict[str, threading.Event] = {}
_began_as: dict[str, dict[str, Any]] = {}
"""The version, or the machine as it then was, with which each execution began; ministack runs the machine's newest."""


def start_execution(data: dict[str, Any]) -> Any:
    """Starts an execution of the requested version; once per name and input."""
    data = {**data, "name": data.get("name") or sf.new_uuid()}
    refusal = _refusal(data)
    machine = sf._resolve_state_machine_arn(data.get("stateMachineArn", ""))
    if refusal or machine is None:
        return refusal or _original_start(data)
    arn = f"{machine.replace(':stateMachine:', ':execution:')}:{data['name']}"
    requested = data["stateMachineArn"]
    chosen = _chosen(requested)
    with _lock:
        existing = sf._executions.get(arn)
        if existing and existing["status"] == "RUNNING" and _same(existing["input"], data.get("input", "{}")):
            return sf.json_response({"executionArn": arn, "startDate": existing["startDate"]})
        if existing is None:
            _began_as[arn] = sf._state_machine_versions.get(chosen) or dict(sf._state_machines[machine])
            _finished[arn] = threading.Event()
        response = _original_start({**data, "stateMachineArn": chosen})
        if existing is None:
            named = {"stateMachineVersionArn": chosen if chosen in sf._state_machine_versions else None}
            if requested in sf._state_machine_aliases:
                named["stateMachineAliasArn"] = requested
            execution = sf._executions[arn]
            execution.update({name: value for name, value in named.items() if value})
            first = execution["events"][0]
            for store in history.stores():
                store.add_event(arn, first["id"], first)
            history.keep(execution)
    return response


def _refusal(data: dict[str, Any]) -> Any:
    """The error for an invalid name or input; None if both are valid."""
    if not _NAME.match(data["name"]):
        return sf.error_response_json("InvalidName", f"Invalid Name: '{data['name']}'", 400)
    text = data.get("input", "{}")
    try:
        json.loads(text)
    except (TypeError, ValueError):
        return sf.error_response_json("InvalidExecutionInput", "Invalid State Machine Execution Input", 400)
    if len(text.encode()) > MAX_BYTES:
        message = (
            "1 validation error detected: Value at 'input' failed to satisfy constraint: "
            f"Member must have length less than or equal to {MAX_BYTES}"
        )
        return sf.error_response_json("ValidationException", message, 400)
    return None


def _same(one: str, other: str) -> bool:
    return bool(json.loads(one) == json.loads(other))


def _chosen(requested: str) -> str:
    """The version that an alias gives an execution, by weight at random; ministack always takes the heaviest."""
    alias = sf._state_machine_aliases.get(requested)
    if alias is None:
        return requested
    routes = alias["routingConfiguration"]
    (route,) = random.choices(routes, [route["weight"] for route in routes])
    return str(route["stateMachineVersionArn"])


def describe_execution(data: dict[str, Any]) -> Any:
    """The description of an execution, with the version and alias that started it."""
    status, headers, body = _original_describe(data)
    execution = sf._executions.get(data.get("executionArn"))
    if status != 200 or not execution:
        return status, headers, body
    names = ("stateMachineVersionArn", "stateMachineAliasArn")
    return sf.json_response({**json.loads(body), **{name: execution[name] for name in names if name in execution}})


def delete_state_machine(data: dict[str, Any]) -> Any:
    """Deletes a machine and its executions, as ministack does, after stopping running ones; its versions as well."""
    arn = data.get("stateMachineArn")
    gone = [key for key, item in sf._executions.items() if item["stateMachineArn"] == arn]
    for key in gone:
        stop_execution({"executionArn": key})
    response = _original_delete(data)
    for store in (sf._state_machine_aliases, sf._state_machine_versions):
        for qualified in [key for key in store if key.rpartition(":")[0] == arn]:
            del store[qualified]
    history.forget([key for key in gone if key not in sf._executions])
    return response


def run_execution(exec_arn: str) -> None:
    """Runs an execution in the calling thread."""
    execution = sf._executions.get(exec_arn)
    if not execution:
        return
    machine = sf._state_machines.get(execution["stateMachineArn"]) or {}
    began_as = _began_as.pop(exec_arn, machine)
    definition = json.loads(began_as.get("definition", "{}"))
    given = json.loads(execution["input"])
    ctx = context(execution, given, definition.get("QueryLanguage", "JSONPath"), machine.get("name", ""))
    ctx["Execution"]["RoleArn"] = began_as.get("roleArn", "")
    run_to_end(
        execution,
        Scope(seconds=definition.get("TimeoutSeconds")),
        lambda: sf._run_sub_machine(
            definition.get("States", {}), definition.get("StartAt") or "(no StartAt)", given, execution, ctx
        ),
    )


def context(execution: Mapping[str, Any], given: Any, language: str, machine_name: str) -> dict[str, Any]:
    """The context object of a new execution, with an empty set of variables."""
    return {
        "QueryLanguage": language,
        "Execution": {
            "Id": execution["executionArn"],
            "Input": given,
            "Name": execution["name"],
            "StartTime": execution["startDate"],
            "RedriveCount": 0,
        },
        "StateMachine": {"Id": execution["stateMachineArn"], "Name": machine_name},
        "variables": {},
    }


def run_to_end(execution: dict[str, Any], scope: Scope, work: Callable[[], Any]) -> None:
    """Does the work of an execution, and records how it ended."""
    arn = execution["executionArn"]
    with _lock:
        if execution["status"] != "RUNNING":
            return
        _scopes[arn] = scope
    try:
        with entered(scope):
            output = work()
        finish(execution, "SUCCEEDED", output=json.dumps(output))
    except sf._ExecutionError as error:
        finish(execution, "FAILED", error=error.error, cause=error.cause)
    except HaltedError:
        if scope.expired:
            finish(execution, "TIMED_OUT", error="States.Timeout", cause="the execution exceeded its TimeoutSeconds")
        else:
            finish(execution, "ABORTED")
    finally:
        # a defect of this program: its traceback goes to the server's log, and the execution must not stay open
        finish(execution, "FAILED", error="States.Runtime", cause=repr(sys.exception()))
        with _lock:
            _scopes.pop(arn, None)


def finish(execution: dict[str, Any], status: str, **fields: Any) -> bool:
    """Ends an execution; False if it had ended before."""
    with _lock:
        if execution["status"] != "RUNNING":
            return False
        kind, member, names = _EVENTS[status]
        history.add_event(execution, kind, {member: {name: fields[name] for name in names if fields.get(name)}})
        execution.update(status=status, stopDate=sf.now_iso(), **fields)
        history.keep(execution)
    finished(execution["executionArn"]).set()
    if not execution.get("mapRunArn"):
        sf._emit_execution_status_event(execution)
    return True


def finished(arn: str) -> threading.Event:
    """The event that is set when the execution ends."""
    with _lock:
        return _finished.setdefault(arn, threading.Event())


def stop_execution(data: dict[str, Any]) -> Any:
    """Aborts an execution; ministack only marks it and lets its task continue."""
    execution = sf._executions.get(data.get("executionArn"))
    if not execution:
        message = f"Execution {data.get('executionArn')} not found"
        return sf.error_response_json("ExecutionDoesNotExist", message, 400)
    if finish(execution, "ABORTED", error=data.get("error"), cause=data.get("cause")):
        with _lock:
            scope = _scopes.get(execution["executionArn"])
        if scope:
            scope.halt()
    elif execution["status"] != "ABORTED":
        return sf.error_response_json("ValidationException", "Execution is not running", 400)
    return sf.json_response({"stopDate": execution["stopDate"]})


def new_child(map_run: Mapping[str, Any], given: Any, parent: Mapping[str, Any]) -> dict[str, Any]:
    """The record of a started child execution of a map run."""
    name = sf.new_uuid()
    machine = map_run["_stateMachineArn"]
    text, started = json.dumps(given), sf.now_iso()
    child = {
        "executionArn": f"{machine.replace(':stateMachine:', ':execution:')}:{name}",
        "stateMachineArn": machine,
        "name": name,
        "status": "RUNNING",
        "startDate": started,
        "stopDate": None,
        "input": text,
        "inputDetails": {"included": True},
        "output": None,
        "outputDetails": {"included": True},
        "mapRunArn": map_run["mapRunArn"],
        "testCase": parent.get("testCase"),
        "mockAttempts": {},
        "events": [],
    }
    sf._executions[child["executionArn"]] = child
    history.keep(child)
    history.add_event(child, "ExecutionStarted", {"executionStartedEventDetails": {"input": text}})
    return child


def run_child(child: dict[str, Any], work: Callable[[], Any]) -> None:
    """Runs a child execution in the scope of its parent."""
    with current().inner() as scope:
        run_to_end(child, scope, work)


def close() -> None:
    """Fails all running executions when the server stops."""
    with _lock:
        running = [item for item in sf._executions.all_values() if item["status"] == "RUNNING"]
        for execution in running:
            history.interrupt(execution)
        history.abort_map_runs()
        scopes = list(_scopes.values())
    for scope in scopes:
        scope.halt()
