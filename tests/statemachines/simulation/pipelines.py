"""Pipelines as SageMaker runs them: a start is repeated by its token, commits come one by one, a stop takes effect
after the commit in flight."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from common.windows import Windows, iso_seconds, parse_moment
from tests.statemachines.simulation.jobs import steps_of

EXECUTING, STOPPING, SUCCEEDED, FAILED, STOPPED = "Executing", "Stopping", "Succeeded", "Failed", "Stopped"


@dataclass(slots=True)
class PipelineRun:
    """A run of a pipeline on windows; `position` commits are done, the next is possible at `wake`."""

    arn: str
    pipeline: str
    owner: str
    parameters: Mapping[str, str]
    started: int
    wake: int
    steps: list[tuple[str, str, str]]
    description: str = ""
    position: int = 0
    status: str = EXECUTING
    failed_step: str = ""
    reason: str = ""

    @property
    def active(self) -> bool:
        """Whether it can still write."""
        return self.status in (EXECUTING, STOPPING)

    @property
    def window(self) -> str:
        """The last window that it works on, by its end; empty for the extractor."""
        return self.parameters.get("BatchEndTsIso", "")

    @property
    def windows(self) -> list[str]:
        """The windows that it works on, by their ends."""
        bounds = (parse_moment(self.parameters[name]) for name in ("BatchStartTsIso", "BatchEndTsIso"))
        return [iso_seconds(window.end) for window in Windows(*bounds)]

    @property
    def label(self) -> str:
        """A short name for people."""
        return f"{self.pipeline.removeprefix('ndr-')}[{self.owner.rpartition(':')[2]}]"

    def copy(self) -> PipelineRun:
        """A run that goes on by itself."""
        return replace(self)

    def fail(self, step: str, reason: str) -> None:
        """Ends the run."""
        self.status, self.failed_step, self.reason = FAILED, step, reason

    def key(self) -> tuple[str, int, str, int]:
        """What tells apart two runs of one ARN in what they can still do."""
        return (self.arn, self.position, self.status, self.wake)

    def described(self) -> dict[str, str]:
        """The answer of DescribePipelineExecution."""
        reason = {"FailureReason": "Step failure: One or multiple steps failed."} if self.status == FAILED else {}
        return {"PipelineExecutionArn": self.arn, "PipelineExecutionStatus": self.status, **reason}

    def summary(self) -> dict[str, Any]:
        """Its entry in the answer of ListPipelineExecutions."""
        return {
            "PipelineExecutionArn": self.arn,
            "PipelineExecutionStatus": self.status,
            "PipelineExecutionDescription": self.description,
        }

    def listed(self) -> list[dict[str, str]]:
        """The steps of ListPipelineExecutionSteps."""
        names = list(dict.fromkeys(name for name, _, _ in self.steps[: self.position]))
        steps = [{"StepName": name, "StepStatus": "Succeeded"} for name in names if name != self.failed_step]
        if self.failed_step:
            steps.append({"StepName": self.failed_step, "StepStatus": "Failed", "FailureReason": self.reason})
        return steps


def started(given: Mapping[str, Any], owner: str, now: int) -> PipelineRun:
    """The run that StartPipelineExecution begins, named after its token."""
    pipeline, parameters = (
        given["PipelineName"],
        {entry["Name"]: entry["Value"] for entry in given["PipelineParameters"]},
    )
    name = hashlib.sha256(f"{pipeline}/{given['ClientRequestToken']}".encode()).hexdigest()[:12]
    arn = f"arn:aws:sagemaker:us-east-1:000000000000:pipeline/{pipeline}/execution/{name}"
    steps = steps_of(pipeline, parameters.get("FirstStage", "delta"))
    description = given.get("PipelineExecutionDescription", "")
    return PipelineRun(arn, pipeline, owner, parameters, now, now, steps, description)
