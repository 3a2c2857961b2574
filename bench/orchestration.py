"""The cost of orchestration: the 15-minute state machine with empty steps, in seconds per pipeline step.

The steps are programs that do nothing, so the time measured is that of state machines, polling and starting processes.
Usage: `python -m bench.orchestration [--runs 10]`.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import yaml

from bench.local import local_aws, run
from common.storage.filesystems import bucket_and_key
from localaws.cli.process import LocalAws

COMMANDS = ("ndr-15m", "ndr-delta", "ndr-fg-a", "ndr-pair-counts", "ndr-fg-c", "ndr-inference", "ndr-join")


PROJECT, ORGANISATION = "bench", "acme/hq"
INGESTION = "ndr-ingestion-000000000000-us-east-1"


def project(home: Path) -> Path:
    path = home / "project.yaml"
    orchestration = {
        "lake_uri": str(home / "lake"),
        "ingestion_prefix": f"s3://{INGESTION}/{ORGANISATION}",
        "poll_seconds": 1,
    }
    path.write_text(
        yaml.safe_dump({"project_name": PROJECT, "organisations": [ORGANISATION], "orchestration": orchestration})
    )
    return path


def empty_steps(home: Path) -> Path:
    steps = home / "bin"
    steps.mkdir(parents=True)
    for command in COMMANDS:
        (steps / command).write_text("#!/bin/sh\nexit 0\n")
        (steps / command).chmod(0o755)
    return steps


def deploy(local: LocalAws, form: str) -> None:
    named = ("--project", str(project(local.home)), "--set", f"PipelineName15mParameter={form}")
    run(local, "ndr-statemachines", "deploy", *named)
    run(local, "ndr-pipelines", "upsert", "--role-arn", "arn:aws:iam::000000000000:role/ndr-pipeline-steps")


def run_once(local: LocalAws, number: int, form: str) -> float:
    message = {
        "batch_s3_path": f"s3://{INGESTION}/{ORGANISATION}/2026/03/{1 + number:02d}/{form}/",
        "timestamp": f"2026-03-{1 + number:02d}T13:23:05Z",
    }
    bucket, folder = bucket_and_key(message["batch_s3_path"])
    local.client("s3").put_object(Bucket=bucket, Key=f"{folder}part-0.csv", Body=b"1")
    return executed(local, message)


def executed(local: LocalAws, message: dict[str, str]) -> float:
    """The seconds of an execution of the 15-minute machine, which must succeed."""
    states = local.client("stepfunctions")
    arn = "arn:aws:states:us-east-1:000000000000:stateMachine:sfn_ndr_15m_features_inference:live"
    began = time.monotonic()
    execution = states.start_execution(stateMachineArn=arn, input=json.dumps(message))["executionArn"]
    while (found := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        time.sleep(0.02)
    assert found["status"] == "SUCCEEDED", found
    return time.monotonic() - began


@click.command()
@click.option("--runs", type=click.IntRange(1, 25), default=10, show_default=True)
def main(runs: int) -> None:
    """Measure both forms of the 15-minute pipeline, and print one JSON line for each."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with local_aws(home, empty_steps(home), wait_scale=0.25) as local:
            for form, steps in (("ndr-15m-streaming", 6), ("ndr-15m-streaming-fused", 2)):
                deploy(local, form)
                seconds = [run_once(local, number, form) for number in range(runs)]
                result: dict[str, Any] = {
                    "form": form,
                    "steps": steps,
                    "runs": runs,
                    "seconds": round(statistics.median(seconds), 2),
                    "seconds_a_step": round(statistics.median(seconds) / steps, 2),
                    "worst_seconds_a_step": round(max(seconds) / steps, 2),
                    "load": os.getloadavg()[0],
                }
                click.echo(json.dumps(result))


if __name__ == "__main__":
    main()
