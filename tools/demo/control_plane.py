"""The local AWS of the demo: start it, run state machines, deliver mini-batches."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import click
import yaml

from common.aws.clients import aws_errors, client
from common.aws.executions import RUNNING, output_of
from common.errors import StageError
from common.retries import polled
from common.runtime.environment import variables
from common.runtime.output import activity, doing
from common.runtime.programs import scripts_folder
from common.windows import iso
from tools.demo.forgetting import forget
from tools.demo.mini_batches import MiniBatch
from tools.demo.steps import run_command

PROJECT = "demo"
FIFTEEN_MINUTES = "sfn_ndr_15m_features_inference"
POLL_SECONDS = 0.2
DELIVERY_SECONDS = 120.0
WAIT_SCALE_VARIABLE, WAIT_SCALE = "SFN_WAIT_SCALE", 0.25
BUS = "ndr"


@dataclass(frozen=True)
class ControlPlane:
    """A local AWS with everything deployed and its files in `home`."""

    home: Path
    outputs: dict[str, str]
    environment: dict[str, str]

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """While it lasts, the AWS clients of this process, and of those that it starts, use this local AWS."""
        with variables(self.environment):
            boto3.setup_default_session()  # without a credential from before
            try:
                yield
            finally:
                boto3.setup_default_session()

    @property
    def ingestion_bucket(self) -> str:
        """The bucket that receives mini-batches."""
        return self.outputs["IngestionBucketName"]

    def run(self, machine: str, message: dict[str, Any]) -> dict[str, Any]:
        """The output of a new execution of the machine.

        Raises:
            StageError: it failed.
        """
        states = client("stepfunctions")
        with aws_errors(f"the state machine {machine} cannot be run"):
            started = states.start_execution(stateMachineArn=self._alias(machine), input=json.dumps(message))
        return self._finished(states, machine, started["executionArn"])

    def deliver(self, batch: MiniBatch) -> dict[str, Any]:
        """Uploads a mini-batch, sends its event, and returns the output of the 15-minute machine.

        What was delivered for its window before, by a demo that was interrupted or had other logs, is forgotten first.

        Raises:
            StageError: the execution failed.
        """
        states, s3 = client("stepfunctions"), client("s3")
        with aws_errors(f"the mini-batch of {batch.window} cannot be delivered"):
            self._wait_for_others(states)
            tables = self.outputs["BatchIndexTable"], self.outputs["ProcessingLockTable"]
            forget(*tables, self.ingestion_bucket, PROJECT, batch)
            for name, content in batch.files.items():
                s3.put_object(Bucket=self.ingestion_bucket, Key=f"{batch.folder}/{name}", Body=content)
            known = set(self._executions(states))
            detail = {
                "batch_s3_path": f"s3://{self.ingestion_bucket}/{batch.folder}/",
                "timestamp": iso(batch.window.end).replace("Z", ":05Z"),
            }
            entry = {"EventBusName": BUS, "Source": "demo", "DetailType": "NdrBatchCompleted"}
            client("events").put_events(Entries=[entry | {"Detail": json.dumps(detail)}])
            new = polled(
                f"an execution of {FIFTEEN_MINUTES}",
                lambda: next((arn for arn in self._executions(states) if arn not in known), None),
                first_pause_seconds=POLL_SECONDS,
                seconds=DELIVERY_SECONDS,
            )
        if new is None:
            raise StageError(
                f"the mini-batch of {batch.window} started no execution within {DELIVERY_SECONDS:g} s",
                f"See {self.home}/server.log",
            )
        return self._finished(states, FIFTEEN_MINUTES, new)

    def _alias(self, machine: str) -> str:
        arn = self.outputs["PredictionPublicationStateMachineArn"]
        return arn.replace("sfn_ndr_prediction_publication", machine)

    def _wait_for_others(self, states: Any) -> None:
        """Waits for executions that an interrupted demo has left running."""
        polled(
            "the executions of a demo before",
            lambda: not self._executions(states, statusFilter=RUNNING) or None,
            first_pause_seconds=POLL_SECONDS,
        )

    def _executions(self, states: Any, **only: str) -> list[str]:
        arn = self._alias(FIFTEEN_MINUTES).rpartition(":")[0]
        return [entry["executionArn"] for entry in states.list_executions(stateMachineArn=arn, **only)["executions"]]

    def _finished(self, states: Any, machine: str, execution: str) -> dict[str, Any]:
        def show() -> None:
            latest = states.get_execution_history(executionArn=execution, reverseOrder=True, maxResults=10)
            entered = (event.get("stateEnteredEventDetails") for event in latest["events"])
            doing(next((details["name"] for details in entered if details), ""))

        remedy = f"See its history with ndr-local executions --home {self.home} --failed"
        with activity(machine):
            return output_of(states, execution, machine, remedy, look=show, pause_seconds=POLL_SECONDS)


def start_local_aws(home: Path, port: int | None) -> None:
    """Starts the local AWS of the folder unless it is running; its state machines wait a quarter of their time.

    If it does not start, as when the port is taken, the demo ends with its error.
    """
    command = [str(scripts_folder() / "ndr-local"), "up", "--home", str(home), "--no-deploy"]
    given = [] if port is None else ["--port", str(port)]
    environment = {**os.environ, WAIT_SCALE_VARIABLE: str(WAIT_SCALE)}
    done = subprocess.run([*command, *given], env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(done.returncode)
    click.echo(f"local AWS: {done.stdout.strip()}", err=True)


def deploy(home: Path, project: dict[str, Any]) -> ControlPlane:
    """Deploys the project to the running local AWS of the folder."""
    path, outputs = home / "project.yaml", home / "outputs.json"
    path.write_text(yaml.safe_dump(project), encoding="utf-8")
    run_command("ndr-local", "up", "--home", str(home), "--project", str(path), "--fused")
    exports = run_command("ndr-local", "env", "--home", str(home)).splitlines()
    environment = dict(shlex.split(line)[1].split("=", 1) for line in exports)
    return ControlPlane(home, json.loads(outputs.read_text(encoding="utf-8")), environment)
