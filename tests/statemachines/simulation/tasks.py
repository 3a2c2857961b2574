"""Tasks of ECS as runs of the pipelines in whose place they are: the command says what they work on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.catalog import PIPELINES, options_of
from pipelines.parameters import Parameter, TimeRange
from tests.statemachines.machines.walker import StateError
from tests.statemachines.simulation.jobs import steps_of
from tests.statemachines.simulation.pipelines import EXECUTING, FAILED, STOPPED, STOPPING, PipelineRun

CLUSTER = "arn:aws:ecs:us-east-1:000000000000:task/ndr/"
PIPELINE_OF = {pipeline.steps[0].command: name for name, pipeline in PIPELINES.items() if len(pipeline.steps) == 1}
"""The pipeline of one step in whose place a task of a family runs."""
EXITS = {FAILED: 1, STOPPED: 143}


def is_task(run: PipelineRun) -> bool:
    """Whether a run is a task."""
    return run.arn.startswith(CLUSTER)


def started_task(given: Mapping[str, Any], owner: str, number: int, now: int) -> PipelineRun:
    """The run that RunTask begins."""
    (override,) = given["Overrides"]["ContainerOverrides"]
    pipeline = PIPELINE_OF[given["TaskDefinition"]]
    parameters = _parameters(pipeline, override["Command"])
    steps = steps_of(pipeline, parameters.get("FirstStage", "delta"))
    return PipelineRun(f"{CLUSTER}{number:032x}", pipeline, owner, parameters, now, now, steps, given["Group"])


def _parameters(pipeline: str, command: Sequence[str]) -> dict[str, str]:
    """The parameters of the pipeline that make this command."""
    options = options_of(PIPELINES[pipeline].steps[0])
    found: dict[str, str] = {}
    for name, text in zip(command[::2], command[1::2], strict=True):
        value = options[name]
        if isinstance(value, TimeRange):
            found |= dict(zip((value.start.name, value.end.name), text.split("/"), strict=True))
        elif isinstance(value, Parameter):
            found[value.name] = text
    return found


def family_of(run: PipelineRun) -> str:
    """The family of a task."""
    return PIPELINES[run.pipeline].steps[0].command


def described(run: PipelineRun) -> dict[str, Any]:
    """A task in the answer of DescribeTasks, or of a state that waited for it."""
    last = {EXECUTING: "RUNNING", STOPPING: "DEPROVISIONING"}.get(run.status, "STOPPED")
    exited = {"ExitCode": EXITS.get(run.status, 0)} if last == "STOPPED" else {}
    containers = [{"Name": family_of(run), **exited}]
    return {"TaskArn": run.arn, "Group": run.description, "LastStatus": last, "Containers": containers}


def stop(run: PipelineRun, now: int) -> None:
    """Asks a task to end, which it does after what it writes."""
    if run.status == EXECUTING:
        run.status, run.wake = STOPPING, max(now, min(run.wake, now + 10))


def result_of(run: PipelineRun, now: int) -> dict[str, Any]:
    """What a state gets that waited for a task, which is stopped if it still runs.

    Raises:
        StateError: the task failed or was stopped, or has had its time.
    """
    if run.active:
        stop(run, now)
        raise StateError("States.Timeout", "")
    if run.status in EXITS:
        raise StateError("States.TaskFailed", json.dumps(described(run)))
    return described(run)
