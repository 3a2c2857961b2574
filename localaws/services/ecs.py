"""Tasks of ECS as processes: a task definition with the image of a stage runs its command, as a step does.

ministack runs tasks only with Docker, and reports them as running for ever without it. A task here has one container.
Retries, services and capacity are not emulated.
"""

from __future__ import annotations

import contextvars
import json
import re
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ministack.services import ecs
from ministack.services import stepfunctions as sf

from localaws.authorization.services import check_task
from localaws.processes.jobs import Job, Outcome, Processes
from localaws.processes.programs import ProgramError
from localaws.server.patching import replace
from localaws.services.sagemaker.commands import command
from localaws.services.stepfunctions.integrations import call
from localaws.services.stepfunctions.scope import HaltedError, current
from localaws.state.store import INTERRUPTED

MOST_OVERRIDES = 8192
"""Characters of the overrides of a task, as JSON."""

MOST_LINES = 100
"""Lines at the end of a task's log that its stream gets; the file has all."""

LOGS = "Logs_20140328"
TARGET = "AmazonEC2ContainerServiceV20141113"
FAMILY = re.compile(r"[A-Za-z0-9_-]{1,255}")
EXITED = "Essential container in task exited"

_original_run = ecs._run_task


class Tasks:
    """The tasks of ECS, as processes."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._jobs: dict[str, Job] = {}
        self._ended: dict[str, threading.Event] = {}
        self._interrupted = False

    def install(self) -> None:
        """Ends the tasks of a server before this one, and patches ministack to run tasks."""
        replace(ecs, "_get_docker", lambda: None)
        replace(ecs, "_run_task", self.run_task)
        replace(ecs, "_stop_task", self.stop_task)
        ecs._ACTION_MAP |= {"RunTask": self.run_task, "StopTask": self.stop_task}
        sf._SERVICE_DISPATCH["arn:aws:states:::ecs:runTask"] = self.run_from_state
        for arn, task in list(ecs._tasks.items()):
            ecs._mark_task_stopped(arn, task, INTERRUPTED, "TaskFailedToStart")

    def run_task(self, data: dict[str, Any]) -> Any:
        """Starts tasks; refuses what runs no command of a stage, and overrides that are too long."""
        if len(json.dumps(data.get("overrides") or {})) > MOST_OVERRIDES:
            message = f"Container Overrides length must be at most {MOST_OVERRIDES}"
            return sf.error_response_json("InvalidParameterException", message)
        definition = ecs._task_defs.get(ecs._resolve_td_key(data.get("taskDefinition", "")))
        try:
            if definition:
                self._job(definition, data, "refused")
        except ProgramError as error:
            return sf.error_response_json("InvalidParameterException", str(error))
        response = _original_run(data)
        if response[0] == 200:
            for found in json.loads(response[2])["tasks"]:
                self._start(found["taskArn"], definition, data)
        return response

    def _start(self, arn: str, definition: Mapping[str, Any], data: Mapping[str, Any]) -> None:
        task = ecs._tasks[arn]
        task["lastStatus"] = "PENDING"
        self._jobs[arn] = self._job(definition, data, arn.rpartition("/")[2])
        self._ended[arn] = threading.Event()
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._run, arn, task), daemon=True).start()

    def _job(self, definition: Mapping[str, Any], data: Mapping[str, Any], identifier: str) -> Job:
        """What the definition's container runs, with the overrides of its command and its variables."""
        if not FAMILY.fullmatch(definition["family"]):  # it is the name of a folder here
            raise ProgramError(f"the family {definition['family']!r} is not of letters, digits, - and _")
        if len(definition["containerDefinitions"]) != 1:
            raise ProgramError(f"the task definition {definition['family']} has not exactly one container")
        (container,) = definition["containerDefinitions"]
        overrides = (data.get("overrides") or {}).get("containerOverrides") or []
        if unknown := [entry.get("name") for entry in overrides if entry.get("name") != container["name"]]:
            raise ProgramError(f"the task definition has no container {unknown[0]!r}")
        override = overrides[0] if overrides else {}
        variables = [*container.get("environment", []), *override.get("environment", [])]
        specification = {
            "ImageUri": container["image"],
            "ContainerEntrypoint": container.get("entryPoint"),
            "ContainerArguments": override.get("command") or container.get("command"),
        }
        arguments = {
            "AppSpecification": specification,
            "Environment": {entry["name"]: entry["value"] for entry in variables},
        }
        place, name = Path("ecs") / definition["family"] / identifier, f"task {definition['family']}"
        if self._processes.settings.roles:
            check_task(definition, identifier)
        role = str(definition.get("taskRoleArn", ""))
        return self._processes.job(command(self._processes.settings, arguments, place, name, role))

    def _run(self, arn: str, task: dict[str, Any]) -> None:
        outcome = self._jobs[arn].run(lambda: task.update(lastStatus="RUNNING"))
        (container,) = task["containers"]
        if outcome.exit_code is None and outcome.message:  # ECS knows nothing of what a program prints
            container["reason"] = outcome.message[:255]
        self._ship(arn, task)
        task["desiredStatus"] = "RUNNING"  # ministack ends no task that is asked to stop
        ecs._mark_task_stopped(arn, task, *self._why(task, outcome), outcome.exit_code)
        self._jobs.pop(arn, None)
        self._ended[arn].set()

    def _ship(self, arn: str, task: Mapping[str, Any]) -> None:
        """Puts the end of a task's log into the stream of its log group, if its definition has one."""
        definition = ecs._task_defs[ecs._resolve_td_key(task["taskDefinitionArn"])]
        (container,) = definition["containerDefinitions"]
        options = (container.get("logConfiguration") or {}).get("options", {})
        family, identifier = definition["family"], arn.rpartition("/")[2]
        log = self._processes.settings.home / "logs" / "ecs" / family / f"{identifier}.log"
        lines = log.read_text(errors="replace").splitlines()[-MOST_LINES:] if log.exists() else []
        if "awslogs-group" not in options or not lines:
            return
        stream = {
            "logGroupName": options["awslogs-group"],
            "logStreamName": f"{options['awslogs-stream-prefix']}/{container['name']}/{identifier}",
        }
        call("logs", f"{LOGS}.CreateLogStream", stream)
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": line} for line in lines if line]
        call("logs", f"{LOGS}.PutLogEvents", {**stream, "logEvents": events})

    def _why(self, task: Mapping[str, Any], outcome: Outcome) -> tuple[str, str]:
        """Why the task stopped, and the code for it."""
        if self._interrupted and not outcome.succeeded:
            return INTERRUPTED, "TaskFailedToStart"
        if outcome.stopped:
            return str(task["stoppedReason"]), "UserInitiated"
        if outcome.exit_code is None:
            return f"CannotStartContainerError: {outcome.message}", "TaskFailedToStart"
        return EXITED, "EssentialContainerExited"

    def stop_task(self, data: dict[str, Any]) -> Any:
        """Asks a task to stop; it has stopped once its process has ended."""
        task = ecs._resolve_task(data.get("task", ""), ecs._resolve_cluster_name(data.get("cluster", "default")))
        if not task:
            return sf.error_response_json("InvalidParameterException", "The referenced task was not found.")
        job = self._jobs.get(task["taskArn"])
        if job:
            task |= {"desiredStatus": "STOPPED", "stoppedReason": data.get("reason", "Task stopped by user")}
            job.stop()
        return sf.json_response({"task": ecs._sanitize(task)})

    def run_from_state(self, resource: str, input_data: dict[str, Any]) -> dict[str, Any]:
        """`ecs:runTask` in a state; `.sync` waits for the task, and raises States.TaskFailed unless it exits with 0."""
        request = sf._pascal_to_camel(input_data)
        status, started = call("ecs", f"{TARGET}.RunTask", request)
        if status >= 400:
            name = str(started.get("__type", "")).rpartition("#")[2] or "AmazonECSException"
            raise sf._ExecutionError(f"ECS.{name}", started.get("message", ""))
        if not resource.endswith(".sync"):
            return dict(_pascal(started))
        arn = started["tasks"][0]["taskArn"]
        place = {"cluster": request.get("cluster", "default")}
        try:
            current().wait_for(self._ended[arn])
        except HaltedError:
            call("ecs", f"{TARGET}.StopTask", {**place, "task": arn, "reason": "The execution has ended"})
            raise
        _, described = call("ecs", f"{TARGET}.DescribeTasks", {**place, "tasks": [arn]})
        task = _pascal(described["tasks"][0])
        if any(container.get("ExitCode") != 0 for container in task["Containers"]):
            raise sf._ExecutionError("States.TaskFailed", json.dumps(task))
        return dict(task)

    def close(self) -> None:
        """Stops all tasks when the server stops, and waits for their end."""
        self._interrupted = True
        waiting = [self._ended[arn] for arn in list(self._jobs)]
        for job in list(self._jobs.values()):
            job.stop()
        for event in waiting:
            event.wait()


def _pascal(value: Any) -> Any:
    """The value with the names of its members as Step Functions has them."""
    if isinstance(value, list):
        return [_pascal(item) for item in value]
    if isinstance(value, dict):
        return {f"{key[:1].upper()}{key[1:]}": _pascal(item) for key, item in value.items()}
    return value
