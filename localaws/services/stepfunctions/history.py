"""Histories and records of executions, kept as they grow."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from ministack.services import stepfunctions as sf

from localaws.state.store import Store

EXECUTION, MAP_RUN = "execution", "map-run"
INTERRUPTED = "the local AWS was stopped"

_lock = threading.Lock()
_stores: list[Store] = []


def keep_in(store: Store) -> None:
    """Keep everything in this store from now on."""
    _stores[:] = [store]


def stores() -> list[Store]:
    """Where everything is kept: nowhere before `keep_in`."""
    return _stores


def add_event(execution: dict[str, Any], event_type: str, details: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Append an event; ministack's own numbers events of parallel branches twice."""
    with _lock:
        before = len(execution["events"])
        event = {"id": before + 1, "previousEventId": before, "type": event_type, "timestamp": sf.now_iso()}
        event.update(details or {})
        execution["events"].append(event)
        for store in _stores:
            store.add_event(execution["executionArn"], event["id"], event)
    return event


def keep(execution: Mapping[str, Any]) -> None:
    """Keep the record of an execution as it is now; its events are kept one by one."""
    record = {name: value for name, value in execution.items() if name != "events"}
    for store in _stores:
        store.put(EXECUTION, execution["executionArn"], record)


def keep_map_run(record: Mapping[str, Any]) -> None:
    """Keep the record of a map run as it is now."""
    for store in _stores:
        store.put(MAP_RUN, record["mapRunArn"], record)


def restore(store: Store) -> None:
    """Bring back all executions; those that ran when the server ended have failed."""
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
    """Mark the map runs that have not ended as aborted."""
    for record in sf._map_runs.all_values():
        if record["status"] == "RUNNING":
            record.update(status="ABORTED", stopDate=sf.now_iso())
            keep_map_run(record)


def interrupt(execution: dict[str, Any]) -> None:
    """Mark an execution as failed because the server ended."""
    failure = {"error": "States.Runtime", "cause": INTERRUPTED}
    execution.update(status="FAILED", stopDate=sf.now_iso(), **failure)
    add_event(execution, "ExecutionFailed", {"executionFailedEventDetails": failure})
    keep(execution)


def forget(arns: list[str]) -> None:
    """Forget executions whose state machine was deleted."""
    for arn in arns:
        for store in _stores:
            store.delete(EXECUTION, arn)
            store.delete_events(arn)
