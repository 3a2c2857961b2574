"""Histories and records of executions, saved as they grow."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from ministack.services import stepfunctions as sf

from localaws.state.store import INTERRUPTED, Store

EXECUTION, MAP_RUN = "execution", "map-run"
MAX_EVENTS = 25_000
_LAST = ("ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut")

_lock = threading.Lock()
_stores: list[Store] = []


def keep_in(store: Store) -> None:
    """Saves everything in this store from now on."""
    _stores[:] = [store]


def stores() -> list[Store]:
    """The store in use, as a list; empty before `keep_in`."""
    return _stores


def add_event(execution: dict[str, Any], event_type: str, details: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Appends an event; ministack's own function repeats numbers in parallel branches.

    Raises:
        _ExecutionError: States.Runtime, if this is the last event that there may be and it does not end the execution.
    """
    with _lock:
        before = len(execution["events"])
        if before >= MAX_EVENTS - 1 and event_type not in _LAST:
            message = f"The execution reached the maximum number of history events ({MAX_EVENTS})."
            raise sf._ExecutionError("States.Runtime", message)
        event = {"id": before + 1, "previousEventId": before, "type": event_type, "timestamp": sf.now_iso()}
        event.update(details or {})
        execution["events"].append(event)
        for store in _stores:
            store.add_event(execution["executionArn"], event["id"], event)
    return event


def keep(execution: Mapping[str, Any]) -> None:
    """Saves the record of an execution without its events, which are saved one by one."""
    record = {name: value for name, value in execution.items() if name != "events"}
    for store in _stores:
        store.put(EXECUTION, execution["executionArn"], record)


def keep_map_run(record: Mapping[str, Any]) -> None:
    """Saves the record of a map run."""
    for store in _stores:
        store.put(MAP_RUN, record["mapRunArn"], record)


def restore(store: Store) -> None:
    """Restores all executions; those that ran when the server ended have failed."""
    for arn, record in store.documents(EXECUTION).items():
        execution = {**record, "events": store.events(arn)}
        _, _, _, region, account, *_ = arn.split(":")
        sf._executions.set_scoped(account, region, arn, execution)
        if execution["status"] == "RUNNING":
            interrupt(execution)
    for arn, record in store.documents(MAP_RUN).items():
        _, _, _, region, account, *_ = arn.split(":")
        sf._map_runs.set_scoped(account, region, arn, record)
    abort_map_runs()


def abort_map_runs() -> None:
    """Marks running map runs as aborted."""
    for record in sf._map_runs.all_values():
        if record["status"] == "RUNNING":
            record.update(status="ABORTED", stopDate=sf.now_iso())
            keep_map_run(record)


def interrupt(execution: dict[str, Any]) -> None:
    """Marks an execution as failed because the server ended."""
    failure = {"error": "States.Runtime", "cause": INTERRUPTED}
    execution.update(status="FAILED", stopDate=sf.now_iso(), **failure)
    add_event(execution, "ExecutionFailed", {"executionFailedEventDetails": failure})
    keep(execution)


def forget(arns: list[str]) -> None:
    """Deletes executions whose state machine was deleted."""
    for arn in arns:
        for store in _stores:
            store.delete(EXECUTION, arn)
            store.delete_events(arn)
