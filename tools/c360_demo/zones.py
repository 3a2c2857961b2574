"""The deployed zones: files are delivered as sources do, and the machine is started as the schedule does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from common.aws.clients import aws_errors, client
from common.aws.executions import output_of
from common.c360.zones import business_date
from common.errors import StageError
from common.retries import polled

PAUSE_SECONDS = 0.2
SECONDS = 300.0
TIME = "<aws.scheduler.scheduled-time>"


@dataclass(frozen=True)
class DeployedZones:
    """What the stack of Customer 360 has, by its outputs."""

    outputs: dict[str, str]

    @property
    def bucket(self) -> str:
        """The bucket of the zones."""
        return self.outputs["Customer360Bucket"]

    def deliver(self, raw: Path) -> set[date | None]:
        """Uploads files in the order of their delivery; their days, once all are sorted.

        Raises:
            StageError: they are not, within five minutes.
        """
        s3 = client("s3")
        files = sorted((path for path in raw.rglob("*") if path.is_file()), key=lambda path: path.stat().st_mtime_ns)
        names = [path.relative_to(raw).as_posix() for path in files]
        with aws_errors(f"{raw} cannot be uploaded"):
            for path, name in zip(files, names, strict=True):
                s3.upload_file(str(path), self.bucket, f"raw/{name}")

            def sorted_out() -> bool | None:
                return not s3.list_objects_v2(Bucket=self.bucket, Prefix="raw/").get("Contents") or None

            done = polled("the validation", sorted_out, first_pause_seconds=PAUSE_SECONDS, seconds=SECONDS)
        if not done:
            raise StageError(f"files of {raw} are still in raw/", "See the log of c360-validate")
        return {business_date(name) for name in names}

    def run_scheduled(self, day: date) -> dict[str, Any]:
        """Runs what the schedule starts on the morning after a day, and gives the manifest of what is published then.

        Raises:
            StageError: it failed.
        """
        states = client("stepfunctions")
        with aws_errors(f"the machine cannot be started for {day}"):
            schedule = client("scheduler").get_schedule(Name=self.outputs["Customer360ScheduleName"])
            target = schedule["Target"]
            given = target["Input"].replace(TIME, f"{day + timedelta(1)}T02:00:00Z")
            arn = states.start_execution(stateMachineArn=target["Arn"], input=given)["executionArn"]
        output_of(states, arn, f"the execution of {day}", "See ndr-local executions")
        ((_, text),) = self._texts("staging/manifest.json")
        manifest: dict[str, Any] = json.loads(text)
        return manifest

    def refused_files(self) -> list[dict[str, Any]]:
        """The reasons of all files in `rejected`, in the order of their names."""
        return [json.loads(text) for name, text in self._texts("rejected/") if name.endswith(".reason.json")]

    def refused_rows(self) -> list[dict[str, Any]]:
        """The rows that were rejected."""
        return [json.loads(line) for _, text in self._texts("clean/rejects/") for line in text.splitlines()]

    def _texts(self, prefix: str) -> Iterator[tuple[str, str]]:
        s3 = client("s3")
        with aws_errors(f"s3://{self.bucket}/{prefix} cannot be read"):
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
                for entry in page.get("Contents", ()):
                    if entry["Key"].endswith("json"):
                        body = s3.get_object(Bucket=self.bucket, Key=entry["Key"])["Body"].read()
                        yield entry["Key"], body.decode()
