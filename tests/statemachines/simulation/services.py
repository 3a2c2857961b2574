"""The services that the tasks of the machines call, in a world."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.statemachines.machines.samples import PLACEHOLDERS, PUBLICATION
from tests.statemachines.machines.walker import NO_ITEMS, StateError
from tests.statemachines.simulation import tasks
from tests.statemachines.simulation.compiled import State
from tests.statemachines.simulation.dynamodb import (
    ConditionFailedError,
    RefusedError,
    key_of,
    queried,
    written,
)
from tests.statemachines.simulation.pipelines import EXECUTING, STOPPING, started
from tests.statemachines.simulation.stepper import RUNNING, Blocked, Execution, failure_of
from tests.statemachines.simulation.values import Val, val
from tests.statemachines.simulation.world import World, short

MACHINES = {PLACEHOLDERS["PredictionPublicationStateMachineArn"]: PUBLICATION}
SERVICES = {
    "dynamodb": "DynamoDB",
    "aws-sdk:dynamodb": "DynamoDb",
    "aws-sdk:s3": "S3",
    "aws-sdk:cloudwatchlogs": "CloudWatchLogs",
    "aws-sdk:ecs": "Ecs",
    "aws-sdk:sagemaker": "SageMaker",
    "aws-sdk:sfn": "Sfn",
    "ecs": "ECS",
    "states": "StepFunctions",
    "events": "EventBridge",
}
"""How each service's errors begin."""


class WorldServices:
    """The services of a world."""

    def __init__(self, world: World) -> None:
        self.world = world

    @property
    def now(self) -> int:
        """The time of the world."""
        return self.world.now

    def call(self, execution: Execution, state: State, arguments: Val) -> Val:
        """What a call returns; raises StateError or Blocked."""
        service, action = service_of(state)
        if service.endswith("dynamodb"):
            return self._dynamodb(service, action, arguments)
        method = getattr(self, f"_{service.removeprefix('aws-sdk:')}_{action}", None)
        assert method, f"the simulation has no {state.resource}"
        answer: Val = method(execution, arguments.value)
        return answer

    def ended(self, execution: Execution, state: State) -> Val:
        """What a call returns whose execution has ended; raises StateError."""
        (arn,) = execution.children
        if arn in self.world.pipelines:
            return val(tasks.result_of(self.world.pipelines[arn], self.now))
        child = self.world.executions[arn]
        if child.status != "SUCCEEDED" or child.output is None:
            raise failure_of(child)
        return val({"ExecutionArn": arn, "Name": child.name, "Status": child.status, "Output": child.output.value})

    def read_items(self, execution: Execution, state: State, arguments: Val) -> Sequence[Any]:
        """The items of a map; raises StateError."""
        found = self.world.objects.get((arguments.value["Bucket"], arguments.value["Key"]))
        if found is None:
            raise StateError("States.ItemReaderFailed", NO_ITEMS)
        items: Sequence[Any] = json.loads(found)
        return items

    def start_child(self, execution: Execution, state: State, index: int, message: Val) -> str:
        """Starts the execution of an item; returns its ARN."""
        machine, name = execution.arn.split(":")[-2:]
        arn = f"{execution.arn.rpartition(':' + machine)[0]}:{machine}/{state.label}:{name}-{index}"
        self.world.begin(arn, f"{name}-{index}", state.processor, message, execution.arn)
        return arn

    def outcome(self, arn: str) -> tuple[str, Val | None]:
        """Status and output of an execution."""
        one = self.world.executions[arn]
        return one.status, one.output

    def _dynamodb(self, service: str, action: str, arguments: Val) -> Val:
        given = arguments.value
        if action.startswith("transact"):
            return self._transaction(given["TransactItems"])
        table = self.world.tables[given["TableName"]]
        if action == "query":
            return queried(arguments, table)
        key = key_of(given["TableName"], given.get("Key") or given["Item"])
        if action == "getItem":
            return val({"Item": table[key].value} if key in table else {})
        try:
            item = written(action, arguments, table.get(key))
        except ConditionFailedError as error:
            raise StateError(f"{SERVICES[service]}.ConditionalCheckFailedException", str(error)) from error
        except RefusedError as error:
            self.world.blame(f"{action} of {given['TableName']} is refused: {error}: {given.get('UpdateExpression')}")
            raise StateError(f"{SERVICES[service]}.{SERVICES[service]}Exception", str(error)) from error
        before = table.pop(key, None)
        if item is not None:
            table[key] = item
        returned = given.get("ReturnValues", "NONE")
        shown = {"ALL_NEW": item, "ALL_OLD": before}.get(returned)
        return val({"Attributes": shown.value} if shown else {})

    def _transaction(self, items: Sequence[Mapping[str, Any]]) -> Val:
        """All updates or none, or the items that are read."""
        changed: list[tuple[dict[Any, Val], Any, Val | None]] = []
        read: list[Any] = []
        for verb, given in (entry for item in items for entry in item.items()):
            table = self.world.tables[given["TableName"]]
            key = key_of(given["TableName"], given["Key"])
            if verb == "Get":
                read.append({"Item": _renamed(table[key].value, "SS", "Ss")} if key in table else {})
                continue
            try:
                changed.append((table, key, written("updateItem", val(_of_wire(given)), table.get(key))))
            except ConditionFailedError as error:
                raise StateError("DynamoDb.TransactionCanceledException", str(error)) from error
        for table, key, item in changed:
            assert item is not None
            table.pop(key, None)
            table[key] = item
        return val({"Responses": read})

    def _sagemaker_startPipelineExecution(self, execution: Execution, given: Mapping[str, Any]) -> Val:  # noqa: N802
        run = started(given, execution.arn, self.now)
        if run.arn not in self.world.pipelines:
            self.world.add(run)
            self.world.say(short(execution.arn), lambda: f"starts pipeline {run.label}")
        return val({"PipelineExecutionArn": run.arn})

    def _sagemaker_describePipelineExecution(self, execution: Execution, given: Mapping[str, Any]) -> Val:  # noqa: N802
        return val(self._run(given).described())

    def _sagemaker_listPipelineExecutions(self, execution: Execution, given: Mapping[str, Any]) -> Val:  # noqa: N802
        known = [run for run in self.world.pipelines.values() if run.pipeline == given["PipelineName"]]
        ordered = sorted(known, key=lambda run: self.world.births[run.arn], reverse=given["SortOrder"] == "Descending")
        return val({"PipelineExecutionSummaries": [run.summary() for run in ordered[: given["MaxResults"]]]})

    def _sagemaker_listPipelineExecutionSteps(self, execution: Execution, given: Mapping[str, Any]) -> Val:  # noqa: N802
        return val({"PipelineExecutionSteps": self._run(given).listed()})

    def _sagemaker_stopPipelineExecution(self, execution: Execution, given: Mapping[str, Any]) -> Val:  # noqa: N802
        run = self._run(given)
        if run.status == EXECUTING:
            run.status, run.wake = STOPPING, max(self.now, min(run.wake, self.now + 10))
        elif run.status != STOPPING:
            raise StateError("SageMaker.ValidationException", f"the pipeline execution is {run.status}")
        return val({"PipelineExecutionArn": run.arn})

    def _run(self, given: Mapping[str, Any]) -> Any:
        if given["PipelineExecutionArn"] not in self.world.pipelines:
            raise StateError("SageMaker.ResourceNotFoundException", given["PipelineExecutionArn"])
        return self.world.pipelines[given["PipelineExecutionArn"]]

    def _ecs_runTask(self, execution: Execution, given: Mapping[str, Any]) -> Val:  # noqa: N802
        run = tasks.started_task(given, execution.arn, len(self.world.pipelines), self.now)
        self.world.add(run)
        self.world.say(short(execution.arn), lambda: f"runs task {run.label}")
        raise Blocked([run.arn])

    def _ecs_listTasks(self, execution: Execution, given: Mapping[str, Any]) -> Val:  # noqa: N802
        known = [run for run in self.world.pipelines.values() if tasks.is_task(run)]
        wanted = [run for run in known if (run.status == EXECUTING) == (given["DesiredStatus"] == "RUNNING")]
        return val({"TaskArns": sorted(run.arn for run in wanted if tasks.family_of(run) == given["Family"])})

    def _ecs_describeTasks(self, execution: Execution, given: Mapping[str, Any]) -> Val:  # noqa: N802
        return val({"Tasks": [tasks.described(self.world.pipelines[arn]) for arn in given["Tasks"]]})

    def _ecs_stopTask(self, execution: Execution, given: Mapping[str, Any]) -> Val:  # noqa: N802
        tasks.stop(self.world.pipelines[given["Task"]], self.now)
        return val({"Task": {"TaskArn": given["Task"]}})

    def _cloudwatchlogs_getLogEvents(self, execution: Execution, given: Mapping[str, Any]) -> Val:  # noqa: N802
        if given["LogStreamName"] == "ndr/none":
            raise StateError("CloudWatchLogs.ResourceNotFoundException", "there is no such stream")
        return val({"Events": []})

    def _s3_getObject(self, execution: Execution, given: Mapping[str, Any]) -> Val:  # noqa: N802
        if (given["Bucket"], given["Key"]) not in self.world.objects:
            raise StateError("S3.NoSuchKeyException", given["Key"])
        return val({"Body": self.world.objects[given["Bucket"], given["Key"]]})

    def _s3_putObject(self, execution: Execution, given: Mapping[str, Any]) -> Val:  # noqa: N802
        self.world.objects[given["Bucket"], given["Key"]] = given["Body"]
        return val({"ETag": "e"})

    def _s3_listObjectsV2(self, execution: Execution, given: Mapping[str, Any]) -> Val:  # noqa: N802
        found = [
            {"Key": key, "Size": len(body)}
            for (bucket, key), body in sorted(self.world.objects.items())
            if bucket == given["Bucket"] and key.startswith(given.get("Prefix", ""))
        ][: given.get("MaxKeys", 1000)]
        return val({"KeyCount": len(found), "IsTruncated": False, **({"Contents": found} if found else {})})

    def _events_putEvents(self, execution: Execution, given: Mapping[str, Any]) -> Val:  # noqa: N802
        return val({"Entries": [{"EventId": "e"} for _ in given["Entries"]], "FailedEntryCount": 0})

    def _states_startExecution(self, execution: Execution, given: Mapping[str, Any]) -> Val:  # noqa: N802
        machine, name = MACHINES[given["StateMachineArn"]], given["Name"]
        known = [one for one in self.world.executions.values() if one.name == name]
        if known and (known[0].status != RUNNING or known[0].message is not val(given["Input"])):
            raise StateError("StepFunctions.ExecutionAlreadyExistsException", name)
        child = known[0] if known else self.world.start(machine, name, given["Input"], execution.arn)
        raise Blocked([child.arn])


def _renamed(attributes: Mapping[str, Any], kind: str, name: str) -> dict[str, Any]:
    """Attributes whose values have another name for a kind."""
    return {
        key: {name if had == kind else had: held for had, held in value.items()} for key, value in attributes.items()
    }


def _of_wire(update: Mapping[str, Any]) -> dict[str, Any]:
    """An update as DynamoDB reads it: calls of the SDK name a set otherwise."""
    values = update["ExpressionAttributeValues"]
    return {**update, "ExpressionAttributeValues": _renamed(values, "Ss", "SS")}


def service_of(state: State) -> tuple[str, str]:
    """Service and action of a task."""
    resource = state.resource.removesuffix(".sync:2").removesuffix(".sync")
    service, _, action = resource.rpartition(":")
    return service, action
