"""What ran in the local AWS, for how long, and why something failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from statemachines.local.process import LocalAws

MOST = 1000


@dataclass(frozen=True)
class Step:
    """A step of a pipeline that an execution started."""

    pipeline: str
    name: str
    status: str
    seconds: float | None
    reason: str
    log: str


@dataclass(frozen=True)
class Execution:
    """An execution of a state machine; `seconds` until now while it runs, `reason` empty unless it failed."""

    machine: str
    name: str
    arn: str
    status: str
    started: datetime
    seconds: float
    reason: str
    steps: tuple[Step, ...] = ()


def executions(local: LocalAws, machine: str | None, failed: bool, steps: bool) -> list[Execution]:
    """The executions, newest last: of all machines or of one, all or those that failed, with their steps or without."""
    states = local.client("stepfunctions")
    arns = {entry["name"]: entry["stateMachineArn"] for entry in states.list_state_machines()["stateMachines"]}
    wanted = [arn for name, arn in arns.items() if machine in (None, name)]
    listed = chain.from_iterable(_listed(states, arn) for arn in wanted)
    chosen = [entry for entry in listed if not failed or entry["status"] not in ("RUNNING", "SUCCEEDED")]
    by_execution = _steps(local) if steps else {}
    found = [_execution(states, entry, by_execution.get(entry["name"], ())) for entry in chosen]
    return sorted(found, key=lambda execution: execution.started)


def _listed(states: Any, arn: str) -> Iterator[dict[str, Any]]:
    for page in states.get_paginator("list_executions").paginate(stateMachineArn=arn):
        yield from page["executions"]


def _execution(states: Any, entry: dict[str, Any], steps: Sequence[Step]) -> Execution:
    reason = ""
    if entry["status"] not in ("RUNNING", "SUCCEEDED"):
        described = states.describe_execution(executionArn=entry["executionArn"])
        reason = ": ".join(part for part in (described.get("error"), described.get("cause")) if part)
    return Execution(
        machine=entry["stateMachineArn"].split(":")[6],
        name=entry["name"],
        arn=entry["executionArn"],
        status=entry["status"],
        started=entry["startDate"],
        seconds=(entry.get("stopDate", datetime.now(UTC)) - entry["startDate"]).total_seconds(),
        reason=reason,
        steps=tuple(steps),
    )


def _steps(local: LocalAws) -> dict[str, list[Step]]:
    """The steps of all pipelines by the name of the execution that started them, which is their description."""
    sagemaker = local.client("sagemaker")
    found: dict[str, list[Step]] = {}
    for page in sagemaker.get_paginator("list_pipelines").paginate():
        for summary in page["PipelineSummaries"]:
            pipeline = summary["PipelineName"]
            for run in sagemaker.get_paginator("list_pipeline_executions").paginate(PipelineName=pipeline):
                for entry in run["PipelineExecutionSummaries"]:
                    owner = entry.get("PipelineExecutionDescription", "")
                    found.setdefault(owner, []).extend(_steps_of(sagemaker, pipeline, entry["PipelineExecutionArn"]))
    return found


def _steps_of(sagemaker: Any, pipeline: str, arn: str) -> Iterator[Step]:
    listed = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn, SortOrder="Ascending")
    for step in listed["PipelineExecutionSteps"]:
        bounds = step.get("StartTime"), step.get("EndTime")
        seconds = (bounds[1] - bounds[0]).total_seconds() if bounds[0] and bounds[1] else None
        execution = arn.rpartition("/")[2]
        yield Step(
            pipeline,
            step["StepName"],
            step["StepStatus"],
            seconds,
            step.get("FailureReason", ""),
            f"{pipeline}/{execution}/{step['StepName']}.log",
        )
