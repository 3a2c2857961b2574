"""A state machine in the local AWS that ends its executions when a test says how, and the remediation as a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sysconfig
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localaws.cli.process import LocalAws
from tests.jobs.if_training.conftest import Lifecycle
from tests.localaws.running import ROLE, create_table

PATIENCE_SECONDS = 120
LOOK = {
    "Type": "Task",
    "Resource": "arn:aws:states:::dynamodb:getItem",
    "Arguments": {"TableName": "TABLE", "Key": {"name": {"S": "{% $states.context.Execution.Name %}"}}},
    "Output": "{% $exists($states.result.Item.answer.S) ? {'answer': $states.result.Item.answer.S} : {} %}",
    "Next": "Decide",
}
DECIDE = {
    "Type": "Choice",
    "Choices": [
        {"Condition": "{% $not($exists($states.input.answer)) %}", "Next": "Pause"},
        {"Condition": "{% $states.input.answer = 'fail' %}", "Next": "Failed"},
    ],
    "Default": "Done",
}
STATES = {
    "Look": LOOK,
    "Decide": DECIDE,
    "Pause": {"Type": "Wait", "Seconds": 10, "Next": "Look"},
    "Failed": {"Type": "Fail", "Error": "Ndr.BackfillFailed", "Cause": "the bucket is on fire"},
    "Done": {"Type": "Pass", "Output": "{% $parse($states.input.answer) %}", "End": True},
}


@dataclass
class Machine:
    """A state machine whose executions end when they are answered."""

    local: LocalAws
    table: str
    arn: str

    def names(self) -> list[str]:
        """The executions so far, the first one first."""
        found = self.local.client("stepfunctions").list_executions(stateMachineArn=self.arn)["executions"]
        return [entry["name"] for entry in sorted(found, key=lambda entry: entry["startDate"])]

    def input(self, name: str) -> dict[str, Any]:
        """What an execution was started with."""
        arn = f"{self.arn.replace(':stateMachine:', ':execution:')}:{name}"
        found: dict[str, Any] = json.loads(
            self.local.client("stepfunctions").describe_execution(executionArn=arn)["input"]
        )
        return found

    def started(self, number: int) -> str:
        """The name of the execution with that number, once it was started."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if len(names := self.names()) >= number:
                return names[number - 1]
            time.sleep(0.1)
        raise AssertionError(f"execution {number} was not started: {self.names()}")

    def answer(self, name: str, status: str = "SUCCEEDED", **output: Any) -> None:
        """Lets the execution end with that output."""
        whole = {"status": status, "request_id": name, "done": [], "failed": [], "skipped": []} | output
        self._put(name, json.dumps(whole))

    def fail(self, name: str) -> None:
        """Lets the execution fail."""
        self._put(name, "fail")

    def _put(self, name: str, answer: str) -> None:
        item = {"name": {"S": name}, "answer": {"S": answer}}
        self.local.client("dynamodb").put_item(TableName=self.table, Item=item)


class Stage:
    """The remediation in a process of its own."""

    def __init__(self, lifecycle: Lifecycle, machine: Machine, *more: str) -> None:
        command = Path(sysconfig.get_path("scripts")) / "ndr-if-training"
        arguments = [*lifecycle.options("remediate"), "--backfill-state-machine", machine.arn, *more]
        environment = {**os.environ, **machine.local.environment}
        self.process = subprocess.Popen(
            [str(command), *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def ended(self, code: int = 0) -> str:
        """What it printed, on stdout or as its error, after it ended with that code."""
        out, errors = self.process.communicate(timeout=PATIENCE_SECONDS)
        assert self.process.returncode == code, errors
        return out if code == 0 else errors.strip().splitlines()[-1]

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def make_machine(local: LocalAws) -> Machine:
    """A state machine of its own."""
    name = f"backfill-{uuid.uuid4().hex[:8]}"
    create_table(local, name, "name")
    definition = json.dumps({"QueryLanguage": "JSONata", "StartAt": "Look", "States": STATES}).replace("TABLE", name)
    arn = local.client("stepfunctions").create_state_machine(name=name, definition=definition, roleArn=ROLE)
    return Machine(local, name, arn["stateMachineArn"])
