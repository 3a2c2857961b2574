"""Executions of deployed pipelines: started with checked parameters, and followed to their end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from common.aws.clients import aws_errors
from common.errors import NdrError
from common.retries import polled
from pipelines.assignments import AssignmentError, checked_assignment
from pipelines.definitions import Definition
from pipelines.deployment import describe

UNDER_WAY = ("Executing", "Stopping")


class ExecutionError(NdrError):
    """A pipeline cannot be started, or an execution did not succeed."""


def start(client: Any, name: str, given: Mapping[str, str]) -> str:
    """The ARN of a new execution of the deployed pipeline."""
    deployed = describe(client, name)
    if deployed is None:
        raise ExecutionError(f"pipeline {name} is not deployed", "Create it with ndr-pipelines upsert")
    check_parameters(name, deployed.definition, given)
    values = [{"Name": parameter, "Value": value} for parameter, value in given.items()]
    with aws_errors(f"pipeline {name} could not be started"):
        arn: str = client.start_pipeline_execution(PipelineName=name, PipelineParameters=values)["PipelineExecutionArn"]
    return arn


def check_parameters(name: str, definition: Definition, given: Mapping[str, str]) -> None:
    """Raises an error where a parameter is unknown, lacks a value, or cannot take its value."""
    declared = {parameter["Name"]: parameter for parameter in definition.get("Parameters", [])}
    for parameter, value in given.items():
        checked_assignment(declared, parameter, value)
    missing = [key for key, parameter in declared.items() if "DefaultValue" not in parameter and key not in given]
    if missing:
        raise AssignmentError(
            f"pipeline {name} needs values for {', '.join(missing)}",
            f"Give them with {' '.join(f'--parameter {parameter}=...' for parameter in missing)}",
        )


def wait(client: Any, arn: str, poll_seconds: float, report: Callable[[str], None]) -> None:
    """Returns when the execution has succeeded; reports the status of each step whenever it changes."""
    reported: dict[str, str] = {}

    def ended() -> tuple[dict[str, Any], list[dict[str, Any]]] | None:
        with aws_errors(f"execution {arn} could not be followed"):
            execution = client.describe_pipeline_execution(PipelineExecutionArn=arn)
            pages = client.get_paginator("list_pipeline_execution_steps").paginate(PipelineExecutionArn=arn)
            steps = [step for page in pages for step in page["PipelineExecutionSteps"]]
        for step in sorted(steps, key=started):
            name, status = step["StepName"], step["StepStatus"]
            if reported.get(name) != status:
                reported[name] = status
                report(f"{name}: {status}")
        return None if execution["PipelineExecutionStatus"] in UNDER_WAY else (execution, steps)

    found = polled(f"execution {arn}", ended, first_pause_seconds=poll_seconds)
    if found and found[0]["PipelineExecutionStatus"] != "Succeeded":
        raise failure(arn, *found)


def started(step: Mapping[str, Any]) -> float:
    """When the step began, in seconds; those that have not begun are last."""
    return step["StartTime"].timestamp() if "StartTime" in step else float("inf")


def failure(arn: str, execution: Mapping[str, Any], steps: list[dict[str, Any]]) -> ExecutionError:
    """The error that names the failed steps, their reasons and their jobs."""
    reasons = [f"{step['StepName']}: {step['FailureReason']}" for step in steps if step.get("FailureReason")]
    jobs = [
        step["Metadata"]["ProcessingJob"]["Arn"]
        for step in steps
        if step["StepStatus"] == "Failed" and "ProcessingJob" in step.get("Metadata", {})
    ]
    problem = f"execution {arn} ended {execution['PipelineExecutionStatus']}"
    because = "; ".join(reasons) or execution.get("FailureReason")
    return ExecutionError(
        f"{problem}: {because}" if because else problem,
        f"Read the log of {', '.join(jobs)}" if jobs else "Start it again once the cause is corrected",
    )
