"""A message to a machine, and what its calls answer: as usual, or by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from statemachines.definitions import states_of
from tests.statemachines.machines.samples import (
    BACKFILLED,
    BATCH,
    DEFINITIONS,
    EXECUTION_ARN,
    FILE_KEYS,
    FOLDERS,
    ITEMS,
    RANGES,
    STEPS,
    USUAL,
    ended_task,
    folders,
    listed,
    record,
)
from tests.statemachines.machines.walker import Response


@dataclass(frozen=True)
class Situation:
    """A message to a machine, and the responses of the calls that do not go as usual.

    `items` is what the maps read, none where the object is missing; for one of them it may be gone meanwhile.
    """

    machine: str
    name: str
    message: Any = None
    responses: Mapping[str, Sequence[Response]] = field(default_factory=dict)
    items: Sequence[Any] | None = tuple(RANGES)
    vanished_for: str | None = None

    def all_responses(self) -> dict[str, Sequence[Response]]:
        """The responses of every call of the machine."""
        usual = {path.rpartition("/")[2]: _usual(state) for path, state in tasks(self.machine)}
        return {**usual, **self.responses}

    @property
    def items_key(self) -> str:
        """The key of the object that the maps read."""
        return f"backfill/acme/{self.message.get('request_id') if isinstance(self.message, dict) else ''}/ranges.json"

    def items_of(self) -> dict[str, Sequence[Any] | None]:
        """What each map of the machine reads."""
        maps = [name for name, state in DEFINITIONS[self.machine]["States"].items() if state["Type"] == "Map"]
        return {name: None if name == self.vanished_for else self.items for name in maps}

    def but(self, name: str, **changes: Any) -> Situation:
        """This situation with changes; responses are added to these."""
        if "responses" in changes:
            changes["responses"] = {**self.responses, **changes["responses"]}
        return replace(self, name=name, **changes)


def tasks(machine: str) -> list[tuple[str, dict[str, Any]]]:
    """Path and definition of each Task of the machine."""
    return [(path, state) for path, state in states_of(DEFINITIONS[machine]) if state["Type"] == "Task"]


def _usual(state: Mapping[str, Any]) -> Sequence[Response]:
    """The responses to a call when all goes well; a pipeline is still running when it is first looked at."""
    arguments = state["Arguments"]
    action = state["Resource"].rpartition(":")[2]
    if action == "startPipelineExecution":
        return [{"PipelineExecutionArn": EXECUTION_ARN.format(arguments["PipelineName"])}]
    if action == "describePipelineExecution":
        return [{"PipelineExecutionStatus": "Executing"}, {"PipelineExecutionStatus": "Succeeded"}]
    if action == "listPipelineExecutionSteps":
        return [{"PipelineExecutionSteps": STEPS}]
    if action == "updateItem" and arguments["TableName"] == "file_tracking":
        return [record(*FILE_KEYS)]
    if action == "runTask.sync":
        return [ended_task(0)]
    if action == "startJobRun.sync":
        return [{"Id": "jr_1", "JobName": arguments["JobName"], "JobRunState": "SUCCEEDED"}]
    if action == "query" and "BETWEEN" in arguments["KeyConditionExpression"]:
        return [listed(BATCH)]
    if "Delimiter" in arguments:
        once = [folders(FOLDERS[0]), folders(FOLDERS[1]), folders("other/", *FOLDERS[2:])]
        return [*once, *once]
    if action == "2" and "publication" not in arguments["StateMachineArn"]:
        return [{"Output": BACKFILLED}]
    if action == "getItem":
        return [{"Item": ITEMS[arguments["TableName"]]} if arguments["TableName"] in ITEMS else {}]
    return [USUAL.get(action, {})]
