"""Runs pipeline executions: each step as a process, once the steps it depends on have succeeded.

`ParallelismConfiguration` is ignored: NDR_STEP_SLOTS limits the processes of all executions together. Retry policies
of steps never apply: they cover faults of the service, which do not occur here.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from localaws.authorization.services import check_step
from localaws.processes.jobs import Job, Outcome, Processes
from localaws.processes.programs import ProgramError
from localaws.server import constraints
from localaws.server.wire import now
from localaws.services.sagemaker import commands
from localaws.services.sagemaker.definition import Definition, Step
from localaws.services.sagemaker.expressions import resolve, text
from localaws.services.sagemaker.records import ExecutionRecord, Records, StepRecord
from localaws.state.store import INTERRUPTED

STEP_FAILURE = "Step failure: One or multiple steps failed."


class Run:
    """A running execution."""

    def __init__(self, execution: ExecutionRecord, records: Records, processes: Processes) -> None:
        self._execution = execution
        self._records = records
        self._processes = processes
        self._definition = Definition.parse(records.definitions[execution.definition])
        self._jobs: dict[str, Job] = {}
        self._stopping = False
        self._interrupted = False

    def go(self) -> None:
        """Runs all steps, and records the outcome."""
        waiting = dict(self._definition.steps)
        done: dict[str, bool] = {}
        running: dict[Future[bool], str] = {}
        with ThreadPoolExecutor(max_workers=len(waiting), thread_name_prefix="step") as pool:
            while True:
                for step in [step for step in waiting.values() if all(done.get(name) for name in step.depends_on)]:
                    if not self._stopping:
                        running[pool.submit(self._run_step, step)] = step.name
                        del waiting[step.name]
                if not running:
                    break
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    done[running.pop(future)] = future.result()
        self._finish(all(done.values()) and not waiting)

    def _finish(self, succeeded: bool) -> None:
        execution = self._execution
        with self._records.lock:
            if self._interrupted:
                execution.status, execution.failure_reason = "Failed", INTERRUPTED
            elif self._stopping:
                execution.status = "Stopped"
            elif succeeded:
                execution.status = "Succeeded"
            else:
                execution.status, execution.failure_reason = "Failed", STEP_FAILURE
            self._records.keep_execution(execution)

    def _run_step(self, step: Step) -> bool:
        execution = self._execution
        identifier = execution.arn.rpartition("/")[2]
        place = Path(execution.pipeline_name) / identifier / step.name
        job_arn = f"{execution.arn.partition(':pipeline/')[0]}:processing-job/{identifier}-{step.name}"
        record = StepRecord(step.name, job_arn)
        arguments = resolve(step.arguments, self._scope())
        name = f"step {step.name} of {execution.pipeline_name}"
        try:
            check(arguments)
            role = text(arguments["RoleArn"])
            if self._processes.settings.roles:
                check_step(self._role(), role, job_arn.rpartition("/")[2], _image(arguments))
            command = commands.command(self._processes.settings, arguments, place, name, role)
        except ProgramError as error:
            with self._records.lock:
                execution.steps.append(record)
                self._end_step(record, Outcome(None, message=str(error)))
            return False
        job = self._processes.job(command)
        with self._records.lock:
            self._jobs[step.name] = job
            execution.steps.append(record)
            self._records.keep_execution(execution)
            if self._stopping:
                job.stop()
        outcome = job.run(lambda: self._mark(record, "Executing"))
        self._end_step(record, outcome)
        return outcome.succeeded

    def _role(self) -> str:
        """The role of the pipeline, with which SageMaker makes the jobs of its steps."""
        found = self._records.pipelines.get(self._execution.pipeline_name)
        return found.role_arn if found else ""

    def _scope(self) -> dict[str, dict[str, Any]]:
        execution = self._execution
        started = datetime.fromtimestamp(execution.created, UTC).isoformat()
        variables = {
            "CurrentDateTime": datetime.now(UTC).isoformat(),
            "PipelineArn": execution.pipeline_arn,
            "PipelineExecutionArn": execution.arn,
            "PipelineExecutionId": execution.arn.rpartition("/")[2],
            "PipelineName": execution.pipeline_name,
            "StartDateTime": started,
        }
        return {"Parameters": execution.parameters, "Execution": variables}

    def _mark(self, record: StepRecord, status: str) -> None:
        with self._records.lock:
            record.status = status
            self._records.keep_execution(self._execution)

    def _end_step(self, record: StepRecord, outcome: Outcome) -> None:
        with self._records.lock:
            record.end = now()
            if self._interrupted and not outcome.succeeded:
                record.failure_reason = INTERRUPTED
            elif outcome.timed_out:
                record.failure_reason = "MaxRuntimeExceeded: the job ran longer than its MaxRuntimeInSeconds"
            elif outcome.exit_code is None and not outcome.stopped:
                record.failure_reason = f"ClientError: {outcome.message}"
            elif not outcome.succeeded and not outcome.stopped:
                record.failure_reason = f"AlgorithmError: {outcome.message}, exit code: {outcome.exit_code}"
            self._mark(record, "Stopped" if outcome.stopped and not record.failure_reason else _status(outcome))

    def stop(self, interrupted: bool = False) -> None:
        """Stops running steps, and starts no more."""
        with self._records.lock:
            self._stopping = True
            self._interrupted = self._interrupted or interrupted
            if not self._execution.ended:
                self._execution.status = "Stopping"
                self._records.keep_execution(self._execution)
            jobs = list(self._jobs.values())
        for job in jobs:
            job.stop()


def check(arguments: Mapping[str, Any]) -> None:
    """Refuses resolved arguments of a step with which SageMaker would not create its job, such as long ones.

    Raises:
        ProgramError: they violate the service's model.
    """
    specification = dict(arguments["AppSpecification"])
    for member in {"ContainerArguments", "ContainerEntrypoint"} & specification.keys():
        specification[member] = [text(part) for part in specification[member]]
    # the pipeline names the job
    request = {**arguments, "AppSpecification": specification, "ProcessingJobName": "job"}
    message = constraints.violations("sagemaker", "CreateProcessingJobRequest", request)
    if message:
        raise ProgramError(f"Failed to invoke sagemaker:CreateProcessingJob. Error Details: {message}")


def _image(arguments: Mapping[str, Any]) -> str:
    return text(arguments["AppSpecification"]["ImageUri"])


def _status(outcome: Outcome) -> str:
    return "Succeeded" if outcome.succeeded else "Failed"


class Runner:
    """All running executions."""

    def __init__(self, records: Records, processes: Processes) -> None:
        self._records = records
        self._processes = processes
        self._runs: dict[str, tuple[Run, threading.Thread]] = {}

    def start(self, execution: ExecutionRecord) -> None:
        """Runs an execution in the background."""
        run = Run(execution, self._records, self._processes)
        thread = threading.Thread(target=self._go, args=(execution.arn, run), name=execution.arn, daemon=True)
        with self._records.lock:
            self._runs[execution.arn] = (run, thread)
        thread.start()

    def _go(self, arn: str, run: Run) -> None:
        try:
            run.go()
        finally:
            with self._records.lock:
                self._runs.pop(arn, None)

    def stop(self, arn: str) -> None:
        """Stops an execution if it runs."""
        with self._records.lock:
            found = self._runs.get(arn)
        if found:
            found[0].stop()

    def close(self) -> None:
        """Stops all executions when the server stops, and waits for their end."""
        with self._records.lock:
            runs = list(self._runs.values())
        for run, _ in runs:
            run.stop(interrupted=True)
        for _, thread in runs:
            thread.join()
