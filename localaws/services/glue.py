"""Glue job runs as processes: a job with the script `x_y.py` runs the command `x-y`.

ministack runs scripts only in Glue's images, and reports success without them. Job retries (MaxRetries) are not
emulated: a failed run stays failed.
"""

from __future__ import annotations

import contextvars
import json
import secrets
import threading
import time
from collections.abc import Mapping
from typing import Any

from ministack.services import cloudwatch, glue
from ministack.services import stepfunctions as sf

from localaws.authorization.services import check_glue_run
from localaws.processes.jobs import Command, Job, Outcome, Processes
from localaws.processes.programs import ProgramError, check_program
from localaws.server.patching import replace
from localaws.server.wire import now
from localaws.services.glue_commands import arguments_of, command_of
from localaws.services.stepfunctions.integrations import call
from localaws.services.stepfunctions.scope import HaltedError, current
from localaws.state.store import INTERRUPTED, Store

KIND = "glue-run"

_ENDED = ("SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT")
_DEFAULT_MINUTES = 2880
_POLL_SECONDS = 0.1

_original_create = glue._create_job
_original_update = glue._update_job


def _most(job: Mapping[str, Any]) -> int:
    """How many runs of a job may run at once."""
    return int((job.get("ExecutionProperty") or {}).get("MaxConcurrentRuns", 1))


class GlueRuns:
    """The runs of Glue jobs, as processes."""

    def __init__(self, processes: Processes, store: Store) -> None:
        self._processes = processes
        self._store = store
        self._jobs: dict[str, Job] = {}
        self._ended: dict[str, threading.Event] = {}
        self._interrupted = False
        self._lock = threading.Lock()

    def install(self) -> None:
        """Restores earlier runs, and patches ministack to run jobs."""
        self._restore()
        replace(glue, "_create_job", self.create_job)
        replace(glue, "_update_job", self.update_job)
        replace(glue, "_start_job_run", self.start_job_run)
        replace(glue, "_batch_stop_job_run", self.batch_stop_job_run)
        sf._SERVICE_DISPATCH["arn:aws:states:::glue:startJobRun"] = self.start_from_state

    def _restore(self) -> None:
        runs: dict[str, list[dict[str, Any]]] = {}
        for run in self._store.documents(KIND).values():
            runs.setdefault(run["JobName"], []).append(run)
            if run["JobRunState"] not in _ENDED:
                self._end(run, "FAILED", INTERRUPTED)
        for name, items in runs.items():
            glue._job_runs[name] = sorted(items, key=lambda run: run["StartedOn"])

    def create_job(self, data: dict[str, Any]) -> Any:
        """Creates a job with its limit on concurrent runs, and whether others wait, which ministack drops."""
        if "/" in (name := str(data.get("Name", ""))) or name in (".", ".."):  # it is the name of a folder here
            return sf.error_response_json("InvalidInputException", f"Job name {name!r} must not be a path")
        response = _original_create(data)
        if response[0] == 200:
            glue._jobs[data["Name"]]["ExecutionProperty"] = data.get("ExecutionProperty") or {"MaxConcurrentRuns": 1}
            glue._jobs[data["Name"]]["JobRunQueuingEnabled"] = bool(data.get("JobRunQueuingEnabled"))
        return response

    def update_job(self, data: dict[str, Any]) -> Any:
        """Updates a job."""
        response = _original_update(data)
        update = data.get("JobUpdate") or {}
        if response[0] == 200:
            dropped = ("ExecutionProperty", "JobRunQueuingEnabled")
            glue._jobs[data["JobName"]].update({name: update[name] for name in dropped if name in update})
        return response

    def start_job_run(self, data: dict[str, Any]) -> Any:
        """Starts a run; if as many as may run at once do, it waits or is refused, as the job has it."""
        name = data.get("JobName", "")
        job = glue._jobs.get(name)
        if job is None:
            return sf.error_response_json(
                "EntityNotFoundException", f"Failed to start job run due to missing job {name}"
            )
        runs = glue._job_runs.setdefault(name, [])
        waits = sum(run["JobRunState"] not in _ENDED for run in runs) >= (most := _most(job))
        if waits and not job.get("JobRunQueuingEnabled"):
            return sf.error_response_json(
                "ConcurrentRunsExceededException", f"Concurrent runs exceeded for {name}: {most} may run at once"
            )
        run = self._new_run(job, data) | {"JobRunState": "WAITING" if waits else "STARTING"}
        try:
            command = self._command(job, run)
        except ProgramError as error:
            return sf.error_response_json("InvalidInputException", str(error))
        runs.append(run)
        self._keep(run)
        self._jobs[run["Id"]] = self._processes.job(command)
        self._ended[run["Id"]] = threading.Event()
        threading.Thread(target=contextvars.copy_context().run, args=(self._run, run), daemon=True).start()
        return sf.json_response({"JobRunId": run["Id"]})

    @staticmethod
    def _new_run(job: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "Id": f"jr_{secrets.token_hex(32)}",
            "Attempt": 0,
            "JobName": job["Name"],
            "StartedOn": now(),
            "LastModifiedOn": now(),
            "Arguments": data.get("Arguments") or {},
            "PredecessorRuns": [],
            "ExecutionTime": 0,
            "Timeout": data.get("Timeout") or job.get("Timeout") or _DEFAULT_MINUTES,
            "WorkerType": job.get("WorkerType") or "G.1X",
            "NumberOfWorkers": job.get("NumberOfWorkers") or 2,
            "GlueVersion": job.get("GlueVersion") or "4.0",
        }

    def _command(self, job: Mapping[str, Any], run: Mapping[str, Any]) -> Command:
        settings = self._processes.settings
        script = str((job.get("Command") or {}).get("ScriptLocation", ""))
        program = settings.step_bin / check_program(command_of(script), settings.step_commands)
        if settings.roles:
            check_glue_run(str(job.get("Role", "")), job)
        scratch = settings.home / "scratch" / "glue" / job["Name"] / run["Id"]
        return Command(
            name=f"Glue job {job['Name']}",
            arguments=(str(program), *arguments_of(job, run["Arguments"])),
            environment={**settings.child_environment(), "TMPDIR": str(scratch)},
            folder=scratch,
            log=settings.home / "logs" / "glue" / job["Name"] / f"{run['Id']}.log",
            role=str(job.get("Role", "")),
            timeout_seconds=float(run["Timeout"]) * settings.glue_minute_seconds,
        )

    def _run(self, run: dict[str, Any]) -> None:
        while run["JobRunState"] == "WAITING" and not self._interrupted and not self._admitted(run):
            time.sleep(_POLL_SECONDS)
        outcome = self._jobs[run["Id"]].run(lambda: self._change(run, "RUNNING"))
        state, message = self._state(outcome, run)
        self._end(run, state, message)
        self._count(run)
        self._jobs.pop(run["Id"], None)
        self._ended[run["Id"]].set()

    @staticmethod
    def _count(run: Mapping[str, Any]) -> None:
        """Counts a run that failed as Glue's observability metrics do, where its job has them."""
        arguments = {**(glue._jobs.get(run["JobName"], {}).get("DefaultArguments") or {}), **run["Arguments"]}
        if run["JobRunState"] in ("FAILED", "TIMEOUT") and arguments.get("--enable-observability-metrics") == "true":
            of_all = {"JobRunId": "ALL", "Type": "count", "ObservabilityGroup": "error"}
            cloudwatch.record_metric("Glue", "glue.error.ALL", 1, "Count", {"JobName": run["JobName"], **of_all})

    def _admitted(self, run: dict[str, Any]) -> bool:
        """Whether a run that waits is the first to do so, and fewer of its job run than may."""
        with self._lock:
            runs = [other for other in glue._job_runs[run["JobName"]] if other["JobRunState"] not in _ENDED]
            waiting = [other for other in runs if other["JobRunState"] == "WAITING"]
            admitted = run in waiting[:1] and len(runs) - len(waiting) < _most(glue._jobs.get(run["JobName"], {}))
            if admitted:
                self._change(run, "STARTING")
            return admitted

    def _state(self, outcome: Outcome, run: Mapping[str, Any]) -> tuple[str, str | None]:
        if outcome.succeeded:
            return "SUCCEEDED", None
        if self._interrupted:
            return "FAILED", INTERRUPTED
        if outcome.timed_out:
            return "TIMEOUT", f"Job run exceeded its timeout of {run['Timeout']} minutes"
        if outcome.stopped:
            return "STOPPED", None
        code = "" if outcome.exit_code is None else f", exit code: {outcome.exit_code}"
        return "FAILED", f"{outcome.message}{code}"

    def _change(self, run: dict[str, Any], state: str) -> None:
        run.update(JobRunState=state, LastModifiedOn=now())
        self._keep(run)

    def _end(self, run: dict[str, Any], state: str, message: str | None) -> None:
        run.update(CompletedOn=now(), ExecutionTime=round(now() - run["StartedOn"]))
        if message:
            run["ErrorMessage"] = message
        self._change(run, state)

    def _keep(self, run: Mapping[str, Any]) -> None:
        self._store.put(KIND, run["Id"], run)

    def batch_stop_job_run(self, data: dict[str, Any]) -> Any:
        """Stop runs."""
        name = data.get("JobName", "")
        known = {run["Id"]: run for run in glue._job_runs.get(name, [])}
        stopped: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        for identifier in data.get("JobRunIds") or []:
            place = {"JobName": name, "JobRunId": identifier}
            run, job = known.get(identifier), self._jobs.get(identifier)
            if run is None or job is None:
                code = "EntityNotFoundException" if run is None else "InvalidInputException"
                message = f"Job run {identifier} {'does not exist' if run is None else 'has ended'}"
                errors.append({**place, "ErrorDetail": {"ErrorCode": code, "ErrorMessage": message}})
                continue
            self._change(run, "STOPPING")
            job.stop()
            stopped.append(place)
        return sf.json_response({"SuccessfulSubmissions": stopped, "Errors": errors})

    def start_from_state(self, resource: str, input_data: dict[str, Any]) -> dict[str, Any]:
        """`glue:startJobRun` in a state; `.sync` waits for the run, and raises States.TaskFailed unless it succeeds."""
        status, started = call("glue", "AWSGlue.StartJobRun", input_data)
        if status >= 400:
            raise sf._ExecutionError(f"Glue.{started.get('__type', 'GlueException')}", started.get("message", ""))
        if not resource.endswith(".sync"):
            return started
        place = {"JobName": input_data["JobName"], "RunId": started["JobRunId"]}
        try:
            current().wait_for(self._ended[started["JobRunId"]])
        except HaltedError:
            stop = {"JobName": input_data["JobName"], "JobRunIds": [started["JobRunId"]]}
            call("glue", "AWSGlue.BatchStopJobRun", stop)
            raise
        _, described = call("glue", "AWSGlue.GetJobRun", place)
        run = {
            name: round(value * 1000) if name.endswith("On") else value for name, value in described["JobRun"].items()
        }
        if run["JobRunState"] != "SUCCEEDED":
            raise sf._ExecutionError("States.TaskFailed", json.dumps(run))
        return run

    def close(self) -> None:
        """Stops all runs when the server stops."""
        self._interrupted = True
        waiting = [self._ended[identifier] for identifier in list(self._jobs)]
        for job in list(self._jobs.values()):
            job.stop()
        for event in waiting:
            event.wait()
