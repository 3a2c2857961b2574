"""Runs of Customer 360 by hand: one of its jobs, or its machine for days in turn."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

from common.aws.clients import aws_errors, client
from common.aws.executions import output_of
from common.errors import StageError
from common.retries import polled
from statemachines.deploy.described import read_outputs
from statemachines.deploy.publish import ALIAS, machine_arn

JOBS = {"a": ("CleanJobName", "--LOAD_DATE"), "b": ("StagingJobName", "--AS_OF")}
"""The output of the stack that names each job, and its argument that is the day."""
ENDED = ("SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT", "ERROR", "EXPIRED")
FIRST_PAUSE_SECONDS = 0.5
SECONDS = 86_400.0


def rerun(stack: str, job: str, as_of: date, accept_shrink: bool = False) -> str:
    """The id of a run of one job for a day, once it has succeeded.

    Raises:
        StageError: it failed.
        DeploymentError, AwsError: it cannot be started.
    """
    output, argument = JOBS[job]
    name, glue = read_outputs(client("cloudformation"), stack)[output], client("glue")
    more = {"--ACCEPT_SHRINK": "true"} if accept_shrink else {}
    with aws_errors(f"the job {name} cannot be run"):
        run_id = str(glue.start_job_run(JobName=name, Arguments={argument: str(as_of), **more})["JobRunId"])

        def ended() -> dict[str, Any] | None:
            run: dict[str, Any] = glue.get_job_run(JobName=name, RunId=run_id)["JobRun"]
            return run if run["JobRunState"] in ENDED else None

        run = polled(f"the job {name}", ended, first_pause_seconds=FIRST_PAUSE_SECONDS, seconds=SECONDS)
    if run is None or run["JobRunState"] != "SUCCEEDED":
        state, reason = (run["JobRunState"], run.get("ErrorMessage", "no reason given")) if run else ("RUNNING", "")
        raise StageError(f"the job {name}, run {run_id}, is {state}: {reason}", "Correct the cause, then run it again")
    return run_id


@dataclass(frozen=True)
class Backfilled:
    """What became of a day: the execution's name, and its output."""

    day: date
    execution: str
    output: dict[str, Any]


def backfill(machine: str, first: date, last: date, accept_shrink: bool = False) -> Iterator[Backfilled]:
    """Executions of the machine, one for each day, in order; the next one begins once the one before has succeeded.

    The machine has the name with which it is deployed.

    Raises:
        StageError: one failed; those of later days were not started.
        AwsError: one cannot be started.
    """
    states = client("stepfunctions")
    arn = f"{machine_arn(states, machine)}:{ALIAS}"
    for number in range((last - first).days + 1):
        day = first + timedelta(number)
        name = f"{day}-{uuid4().hex[:12]}"
        message = {"as_of": str(day), **({"accept_shrink": True} if accept_shrink else {})}
        with aws_errors(f"the execution of {day} cannot be started"):
            started = states.start_execution(stateMachineArn=arn, name=name, input=json.dumps(message))
        remedy = f"Correct the cause, then: ndr-statemachines backfill customer-360 {day}/{last}"
        what = f"the execution {name} of {day}"
        yield Backfilled(day, name, output_of(states, started["executionArn"], what, remedy, seconds=SECONDS))
