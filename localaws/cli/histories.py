"""Executions as their histories show them: duration, reason of failure, pipelines they ran."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from localaws.cli.errors import LocalAwsError
from localaws.cli.process import LocalAws

FAILED = ("FAILED", "TIMED_OUT", "ABORTED")


@dataclass(frozen=True)
class StepRun:
    """A step of a pipeline execution."""

    name: str
    status: str
    seconds: float
    reason: str | None


@dataclass(frozen=True)
class PipelineRun:
    """An execution of a pipeline."""

    pipeline: str
    execution: str
    status: str
    seconds: float
    steps: list[StepRun]


@dataclass(frozen=True)
class Execution:
    """An execution of a state machine; `state`, `why` and `pipelines` are filled for failures or on request."""

    machine: str
    name: str
    arn: str
    status: str
    started: datetime
    seconds: float
    state: str | None = None
    why: str | None = None
    pipelines: list[PipelineRun] = field(default_factory=list)


class Histories:
    """The executions of a local AWS."""

    def __init__(self, local: LocalAws) -> None:
        self._machines = local.client("stepfunctions")
        self._pipelines = local.client("sagemaker")

    def machines(self) -> dict[str, str]:
        """The ARN of each state machine, by name."""
        pages = self._machines.get_paginator("list_state_machines").paginate()
        return {item["name"]: item["stateMachineArn"] for page in pages for item in page["stateMachines"]}

    def executions(self, machine: str | None, failed: bool, last: int, details: bool) -> list[Execution]:
        """The last executions of one machine or all, newest first; `details` covers successful ones, too.

        Raises:
            LocalAwsError: the machine does not exist.
        """
        machines = self.machines()
        if machine is not None and machine not in machines:
            known = f"Use one of {', '.join(sorted(machines))}" if machines else "Deploy one with ndr-local up"
            raise LocalAwsError(f"the state machine {machine} does not exist", known)
        found: list[tuple[str, dict[str, Any]]] = []
        for name, arn in machines.items():
            if machine in (None, name):
                pages = self._machines.get_paginator("list_executions").paginate(stateMachineArn=arn)
                found += [(name, item) for page in pages for item in page["executions"]]
        wanted = [item for item in found if not failed or item[1]["status"] in FAILED]
        wanted.sort(key=lambda item: item[1]["startDate"], reverse=True)
        return [self._execution(name, item, details) for name, item in wanted[:last]]

    def _execution(self, machine: str, item: dict[str, Any], details: bool) -> Execution:
        state = why = None
        pipelines: list[PipelineRun] = []
        if details or item["status"] in FAILED:
            events = self.events(item["executionArn"])
            children = self._children(item["executionArn"], failed=not details)
            started = [*pipeline_executions(events), *(arn for child in children for arn in pipeline_executions(child))]
            pipelines = [self.pipeline(arn) for arn in started]
            if item["status"] in FAILED:
                broken = {run.execution for run in pipelines if run.status in ("Failed", "Stopped")}
                why = self._reason(item["executionArn"], pipelines)
                state = _failed_state(events, broken, why)
        return Execution(
            machine,
            item["name"],
            item["executionArn"],
            item["status"],
            item["startDate"],
            _seconds(item["startDate"], item.get("stopDate")),
            state,
            why,
            pipelines,
        )

    def _children(self, arn: str, failed: bool) -> Iterator[list[dict[str, Any]]]:
        """The histories of the child executions of distributed maps; with `failed`, only of failed children."""
        for run in self._machines.list_map_runs(executionArn=arn)["mapRuns"]:
            pages = self._machines.get_paginator("list_executions").paginate(mapRunArn=run["mapRunArn"])
            for page in pages:
                for child in page["executions"]:
                    if not failed or child["status"] in FAILED:
                        yield self.events(child["executionArn"])

    def _reason(self, arn: str, pipelines: list[PipelineRun]) -> str:
        """Error and cause of an execution, and the pipeline steps that failed with their reasons."""
        described = self._machines.describe_execution(executionArn=arn)
        message = ": ".join(described[key] for key in ("error", "cause") if described.get(key))
        failures = [
            f"pipeline {run.pipeline}, step {step.name}: {step.reason or step.status}"
            for run in pipelines
            for step in run.steps
            if step.status not in ("Succeeded", "Executing", "Starting")
            and not (step.reason and step.reason in message)
        ]
        return "; ".join([message or "no reason given", *failures])

    def events(self, arn: str) -> list[dict[str, Any]]:
        """The history of an execution.

        Raises:
            LocalAwsError: the execution does not exist.
        """
        try:
            pages = self._machines.get_paginator("get_execution_history").paginate(executionArn=arn)
            return [event for page in pages for event in page["events"]]
        except ClientError as error:
            raise LocalAwsError(
                f"the execution {arn} does not exist", "List executions with: ndr-local executions"
            ) from error

    def pipeline(self, arn: str) -> PipelineRun:
        """An execution of a pipeline."""
        described = self._pipelines.describe_pipeline_execution(PipelineExecutionArn=arn)
        listed = self._pipelines.list_pipeline_execution_steps(
            PipelineExecutionArn=arn, SortOrder="Ascending", MaxResults=100
        )
        steps = [
            StepRun(
                item["StepName"],
                item["StepStatus"],
                _seconds(item["StartTime"], item.get("EndTime")),
                item.get("FailureReason"),
            )
            for item in listed["PipelineExecutionSteps"]
        ]
        status = described["PipelineExecutionStatus"]
        end = None if status in ("Executing", "Stopping") else described["LastModifiedTime"]
        name = described["PipelineArn"].rpartition("/")[2]
        return PipelineRun(name, arn.rpartition("/")[2], status, _seconds(described["CreationTime"], end), steps)

    def pipelines(self) -> list[str]:
        """The names of the pipelines."""
        pages = self._pipelines.get_paginator("list_pipelines").paginate()
        return sorted(item["PipelineName"] for page in pages for item in page["PipelineSummaries"])


def pipeline_executions(events: list[dict[str, Any]]) -> list[str]:
    """The ARNs of the pipeline executions that an execution started, in order."""
    return list(dict.fromkeys(arn for event in events if (arn := _started_pipeline(event))))


def _started_pipeline(event: dict[str, Any]) -> str | None:
    """The ARN of the pipeline execution that an event started; None for other events."""
    details = event.get("taskSucceededEventDetails") or {}
    if "startPipelineExecution" not in details.get("resource", ""):
        return None
    return str(json.loads(details["output"])["PipelineExecutionArn"])


def _failed_state(events: list[dict[str, Any]], broken: set[str], why: str) -> str | None:
    """The state that caused the failure.

    In this order: the state that started a failed pipeline, whose task failed with the reported error, or that ran
    last.
    """
    current: str | None = None
    causes: dict[str, str | None] = {}
    for event in events:
        if event["type"].endswith("StateEntered"):
            current = event["stateEnteredEventDetails"]["name"]
            causes["fail" if event["type"] == "FailStateEntered" else "work"] = current
        elif event["type"] == "TaskFailed" and event["taskFailedEventDetails"].get("error", "") in why:
            causes["task"] = current
        elif (_started_pipeline(event) or "").rpartition("/")[2] in broken:
            causes["pipeline"] = current
    return next((causes[kind] for kind in ("pipeline", "task", "work", "fail") if kind in causes), None)


def _seconds(start: datetime, end: datetime | None) -> float:
    return ((end or datetime.now(UTC)) - start).total_seconds()
