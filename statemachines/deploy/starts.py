"""The start of a project: its machine is started and followed to its end."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from common.aws.clients import aws_errors
from common.aws.executions import output_of
from statemachines.deploy.publish import ALIAS, machine_arn

MACHINE = "sfn_ndr_start_project"
WORK = {
    "FindDateFolders": "finding the logs",
    "RunBackfill": "building the windows",
    "RunBaselines": "computing the baselines",
    "RunDeviations": "comparing the windows with them",
    "RunTraining": "training the model",
    "StartInferencePipeline": "scoring the last day",
    "StartPredictionJoinPipeline": "publishing its scores",
    "ResolveSchedules": "turning the schedules on",
}
"""What the machine does from each of these states on."""


def start(states: Any, machine: str, project: str, message: Mapping[str, Any]) -> str:
    """The ARN of a new execution of the machine, by the name with which it is deployed, that starts the project.

    Raises:
        DeploymentError: the machine is not deployed.
        AwsError: it cannot be started.
    """
    arn = f"{machine_arn(states, machine)}:{ALIAS}"
    with aws_errors(f"the start of project {project} cannot be started"):
        started = states.start_execution(stateMachineArn=arn, input=json.dumps({"project_name": project, **message}))
    return str(started["executionArn"])


def follow(states: Any, arn: str, begins: Callable[[str], None]) -> dict[str, Any]:
    """The output of the execution once it has succeeded; `begins` is told each part of its work when it begins.

    Raises:
        StageError: it failed.
        AwsError: it cannot be looked at.
    """
    told: list[str] = []

    def tell() -> None:
        for work in _begun(states, arn):
            if work not in told:
                told.append(work)
                begins(work)

    remedy = "Correct the cause and start again: what is done is not done again"
    return output_of(states, arn, "the start", remedy, look=tell)


def _begun(states: Any, arn: str) -> list[str]:
    """The parts of the work that have begun, in order."""
    pages = states.get_paginator("get_execution_history").paginate(executionArn=arn)
    entered = [
        event["stateEnteredEventDetails"]["name"]
        for page in pages
        for event in page["events"]
        if "stateEnteredEventDetails" in event
    ]
    return list(dict.fromkeys(WORK[name] for name in entered if name in WORK))
