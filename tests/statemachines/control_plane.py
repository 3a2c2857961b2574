"""A deployed control plane on a local AWS, with small programs as stages, and what tests do with it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from common.runtime.catalog import STAGES
from localaws.cli.deployment import deploy
from localaws.cli.process import LocalAws
from tests.localaws.running import write_step

BIN = Path(sys.executable).parent
INGESTION = "ndr-ingestion-000000000000-us-east-1"
ARTIFACTS = "ndr-artifacts-000000000000-us-east-1"
STEPS = tuple(stage.command for stage in STAGES if stage.command != "ndr-extractor")  # which runs for real
ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")

# a step looks up what a file of its name in `orders` says, writes its arguments down (who waits for them can then
# change the order), and does it: `sleep 5`, `fail disk is full`, or `refuse bad`, which fails if an argument has the
# word
STEP = """
order="{orders}/$(basename "$0")"
what=""
if [ -f "$order" ]; then read -r what rest < "$order"; fi
echo "$(basename "$0") $*" >> "{calls}"
case "$what" in
  sleep) sleep "$rest" ;;
  fail) echo "error: $rest" >&2; exit 1 ;;
  refuse) case "$*" in *"$rest"*) echo "error: $rest is damaged" >&2; exit 1 ;; esac ;;
esac
"""


@dataclass(frozen=True)
class ControlPlane:
    """The local AWS with everything deployed, and the folder in which its steps leave traces."""

    aws: LocalAws
    folder: Path

    @property
    def calls(self) -> list[str]:
        """The command lines of all steps that ran, in their order."""
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def order(self, command: str, what: str | None) -> None:
        """What a step of the command does from now on: `sleep 5`, `fail <reason>`, `refuse <word>`, or nothing."""
        path = self.folder / "orders" / command
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        if what:
            path.write_text(what + "\n")

    def machine(self, name: str) -> str:
        """The ARN of the alias that events and schedules name."""
        return f"arn:aws:states:us-east-1:000000000000:stateMachine:{name}:live"

    def upload(self, path: str) -> None:
        """Puts a file into the folder of a batch."""
        bucket, _, key = path.removeprefix("s3://").partition("/")
        self.aws.client("s3").put_object(Bucket=bucket, Key=f"{key.rstrip('/')}/part-00000.csv", Body=b"x")

    def start(self, machine: str, message: Any) -> str:
        """The ARN of a new execution; the batch that its message names is there."""
        if isinstance(message, dict) and "batch_s3_path" in message:
            self.upload(message["batch_s3_path"])
        states = self.aws.client("stepfunctions")
        started = states.start_execution(stateMachineArn=self.machine(machine), input=json.dumps(message))
        return str(started["executionArn"])

    def finish(self, execution: str, seconds: float = 180) -> dict[str, Any]:
        """The execution once it has ended."""
        states = self.aws.client("stepfunctions")
        deadline = time.monotonic() + seconds
        while (described := states.describe_execution(executionArn=execution))["status"] not in ENDED:
            assert time.monotonic() < deadline, f"{execution} has not ended: {self.visited(execution)}"
            time.sleep(0.1)
        return dict(described)

    def run(self, machine: str, message: Any, seconds: float = 180) -> dict[str, Any]:
        """A new execution once it has ended."""
        return self.finish(self.start(machine, message), seconds)

    def run_at_once(self, machine: str, messages: list[Any], seconds: float = 120) -> list[dict[str, Any]]:
        """Executions that start at the same time, once all have ended."""
        with ThreadPoolExecutor(32) as pool:
            executions = list(pool.map(lambda message: self.start(machine, message), messages))
        return [self.finish(execution, seconds) for execution in executions]

    def visited(self, execution: str) -> list[str]:
        """The states of an execution in the order in which it entered them."""
        pages = (
            self.aws.client("stepfunctions")
            .get_paginator("get_execution_history")
            .paginate(executionArn=execution, PaginationConfig={"PageSize": 1000})
        )
        return [
            event["stateEnteredEventDetails"]["name"]
            for page in pages
            for event in page["events"]
            if "stateEnteredEventDetails" in event
        ]

    def item(self, table: str, **key: str) -> dict[str, Any] | None:
        """An item of a DynamoDB table, its values as texts."""
        found = self.aws.client("dynamodb").get_item(
            TableName=table, Key={name: {"S": value} for name, value in key.items()}, ConsistentRead=True
        )
        return {name: next(iter(value.values())) for name, value in found["Item"].items()} if "Item" in found else None


def window(number: int, day: str = "2026-03-10") -> tuple[str, str]:
    """Start and end of the nth window of a day, from 00:08 on."""
    start = datetime.fromisoformat(f"{day}T00:08:00").replace(tzinfo=UTC) + number * timedelta(minutes=15)
    return f"{start:%Y-%m-%dT%H:%M:%SZ}", f"{start + timedelta(minutes=15):%Y-%m-%dT%H:%M:%SZ}"


def batch_event(number: int, batch: str = "", organisation: str = "acme/emea") -> dict[str, str]:
    """The event of a completed batch of the nth window of a day."""
    _, end = window(number)
    folder = batch or f"batch{number:03d}"
    return {
        "batch_s3_path": f"s3://{INGESTION}/{organisation}/2026/03/10/{folder}/",
        "timestamp": end.replace(":00Z", ":11Z"),
    }


def deploy_control_plane(
    start_local_aws: Callable[..., LocalAws],
    folder: Path,
    orchestration: Mapping[str, Any] | None = None,
    parameters: Sequence[str] = (),
) -> Iterator[ControlPlane]:
    """Starts a local AWS whose steps are small programs, deploys everything to it, and hands it over."""
    (folder / "orders").mkdir(parents=True)
    script = STEP.format(calls=folder / "calls", orders=folder / "orders")
    for step in STEPS:
        write_step(folder / "bin", step, script)
    write_step(folder / "bin", "ndr-extractor", f'{script}\nexec "{BIN}/ndr-extractor" "$@"')
    aws = start_local_aws(step_bin=folder / "bin", SFN_WAIT_SCALE="0.1")
    project = {
        "project_name": "acme",
        "organisations": ["acme/emea", "acme/apac"],
        "settings": {"batch_index_table": "batch_index"},
        "orchestration": {
            "lake_uri": str(folder / "lake"),
            "ingestion_prefix": f"s3://{INGESTION}/acme/emea",
            "poll_seconds": 1,
            **(orchestration or {}),
        },
    }
    path = folder / "project.yaml"
    path.write_text(yaml.safe_dump(project))
    deploy(aws, [path], fused=True, parameters=["SchedulesState=DISABLED", *parameters])
    yield ControlPlane(aws, folder)
