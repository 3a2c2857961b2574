"""Distributed Map: each item runs in a child execution without the parent's variables.

`definition` refuses ItemBatcher and ResultWriter when the state machine is created.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import Any

from ministack.services import stepfunctions as sf

from localaws.services.stepfunctions import executions, rights
from localaws.services.stepfunctions.branches import Work, outcome, run_all
from localaws.services.stepfunctions.calls import Call
from localaws.services.stepfunctions.history import keep_map_run
from localaws.services.stepfunctions.items import items_of, number, selected
from localaws.services.stepfunctions.scope import HaltedError, Scope, current, entered

_MOST_AT_ONCE = 100
_COUNTS = (
    "pending",
    "running",
    "succeeded",
    "failed",
    "timedOut",
    "aborted",
    "total",
    "resultsWritten",
    "failuresNotRedrivable",
    "pendingRedrive",
)


@dataclass
class MapRun:
    """A run of a distributed Map state: its counts and its tolerance for failures."""

    record: dict[str, Any]
    tolerated_count: int | None
    tolerated_percentage: float | None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, **changes: int) -> None:
        """Adds to the counts of items and executions."""
        with self.lock:
            for counts in (self.record["itemCounts"], self.record["executionCounts"]):
                for name, change in changes.items():
                    counts[name] += change

    def end(self, status: str) -> None:
        """Records the end of the run, unless recorded before; pending items count as aborted."""
        if self.record["status"] != "RUNNING":
            return
        waiting = self.record["itemCounts"]["pending"]
        self.count(pending=-waiting, aborted=waiting)
        self.record.update(status=status, stopDate=sf.now_iso())
        keep_map_run(self.record)

    @property
    def exceeded(self) -> bool:
        """Whether more items have failed than tolerated; without a threshold, none may fail."""
        counts = self.record["itemCounts"]
        if self.tolerated_count is None and self.tolerated_percentage is None:
            return bool(counts["failed"])
        too_many = self.tolerated_count is not None and counts["failed"] > self.tolerated_count
        share = self.tolerated_percentage
        return too_many or (share is not None and counts["failed"] * 100 > share * counts["total"])


def run(state_def: dict[str, Any], raw_input: Any, execution: Any, ctx: Any) -> Any:
    """Runs a distributed Map state; returns its output and next state."""
    rights.check_map(execution, execution["stateMachineArn"])
    items = _items(state_def, raw_input, execution, ctx)
    map_run = _new_run(state_def, raw_input, execution, ctx, len(items))
    processor = state_def["ItemProcessor"]
    arn = map_run.record["mapRunArn"]
    sf._add_event(execution, "MapStateStarted", {"mapStateStartedEventDetails": {"length": len(items)}})
    sf._add_event(execution, "MapRunStarted", {"mapRunStartedEventDetails": {"mapRunArn": arn}})

    results: list[Any] = []
    with current().inner() as scope:

        def child(index: int, item: Any) -> Work:
            inner = {**ctx, "Map": {"Item": {"Index": index, "Value": item}}}
            given = selected(state_def, raw_input, inner, item)
            return lambda: _run_child(map_run, processor, given, execution, ctx, scope)

        most = number(state_def, "MaxConcurrency", raw_input, ctx) or _MOST_AT_ONCE
        with entered(scope):
            try:
                results = run_all([child(index, item) for index, item in enumerate(items)], most)
            except HaltedError:
                if not map_run.exceeded:
                    map_run.end("ABORTED")
                    raise
    return _finish(state_def, raw_input, execution, ctx, map_run, results)


def _finish(
    state_def: dict[str, Any], raw_input: Any, execution: Any, ctx: Any, map_run: MapRun, results: list[Any]
) -> Any:
    if map_run.exceeded:
        map_run.end("FAILED")
        error = sf._ExecutionError(
            "States.ExceedToleratedFailureThreshold", "The specified tolerated failure threshold was exceeded"
        )
        details = {"error": error.error, "cause": error.cause}
        sf._add_event(execution, "MapRunFailed", {"mapRunFailedEventDetails": details})
        raise error
    map_run.end("SUCCEEDED")
    sf._add_event(execution, "MapRunSucceeded")
    sf._add_event(execution, "MapStateSucceeded")
    return outcome(state_def, raw_input, ctx, results)


def _items(state_def: dict[str, Any], raw_input: Any, execution: Any, ctx: Any) -> list[Any]:
    reader = state_def.get("ItemReader")
    if reader is None:
        return items_of(state_def, raw_input, ctx)
    arguments = sf._apply_jsonata_template(reader.get("Arguments") or {}, raw_input, ctx)
    settings = sf._apply_jsonata_template(reader.get("ReaderConfig") or {}, raw_input, ctx)
    call = Call.of(reader["Resource"])
    try:
        if call:
            rights.check(execution, call, arguments)
    except sf._ExecutionError as error:
        raise sf._ExecutionError("States.ItemReaderFailed", error.cause) from error
    items = sf._read_map_items({**reader, "Arguments": arguments, "ReaderConfig": settings}, raw_input, ctx)
    return items if isinstance(items, list) else [items]


def _new_run(state_def: dict[str, Any], raw_input: Any, execution: Any, ctx: Any, total: int) -> MapRun:
    _, _, _, region, account, _, machine = execution["stateMachineArn"].split(":")
    label = state_def.get("Label") or sf.new_uuid()
    counts = {**dict.fromkeys(_COUNTS, 0), "total": total, "pending": total}
    percentage = "ToleratedFailurePercentage"
    tolerated = number(state_def, "ToleratedFailureCount", raw_input, ctx)
    share = (
        float(sf._jsonata_state_field(state_def, percentage, "number", raw_input, ctx))
        if percentage in state_def
        else 0.0
    )
    record = {
        "mapRunArn": f"arn:aws:states:{region}:{account}:mapRun:{machine}/{label}:{sf.new_uuid()}",
        "executionArn": execution["executionArn"],
        "status": "RUNNING",
        "startDate": sf.now_iso(),
        "maxConcurrency": number(state_def, "MaxConcurrency", raw_input, ctx),
        "toleratedFailurePercentage": share,
        "toleratedFailureCount": tolerated,
        "itemCounts": dict(counts),
        "executionCounts": dict(counts),
        "redriveCount": 0,
        "_stateMachineArn": f"arn:aws:states:{region}:{account}:stateMachine:{machine}/{label}",
    }
    sf._map_runs[record["mapRunArn"]] = record
    keep_map_run(record)
    return MapRun(
        record, tolerated if "ToleratedFailureCount" in state_def else None, share if percentage in state_def else None
    )


def _run_child(map_run: MapRun, processor: dict[str, Any], given: Any, parent: Any, ctx: Any, scope: Scope) -> Any:
    """Runs one child execution; returns its output, None if it failed."""
    current().check()
    map_run.count(pending=-1, running=1)
    child = executions.new_child(map_run.record, given, parent)
    inner = executions.context(
        child, given, ctx["QueryLanguage"], map_run.record["_stateMachineArn"].rpartition(":")[2]
    )
    executions.run_child(
        child, lambda: sf._run_sub_machine(processor["States"], processor["StartAt"], given, child, inner)
    )
    status = child["status"]
    map_run.count(running=-1, **{{"SUCCEEDED": "succeeded", "ABORTED": "aborted"}.get(status, "failed"): 1})
    if status == "ABORTED":
        raise HaltedError("stopped")
    if map_run.exceeded:
        scope.halt()
        raise HaltedError("too many failures")
    return json.loads(child["output"]) if status == "SUCCEEDED" else None
