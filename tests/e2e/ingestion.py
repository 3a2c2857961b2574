"""Ingestion on a local AWS, deployed as a user deploys it."""

from __future__ import annotations

import io
import json
import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from common.runtime.programs import scripts_folder
from localaws.cli.process import LocalAws
from tests.commands import command_line
from tests.localaws.running import wait_for

RECORDS = 10


@dataclass
class Deployed:
    """Ingestion on a local AWS."""

    local: LocalAws
    outputs: dict[str, str]
    s3: Any
    sqs: Any

    def run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of the project, as a user runs it."""
        environment = {**os.environ, **self.local.environment}
        return subprocess.run(
            command_line(name, *arguments), env=environment, capture_output=True, text=True, check=False
        )

    def tool(self, *arguments: str) -> str:
        """What ndr-ingestion prints."""
        done = self.run("ndr-ingestion", *arguments)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def put(self, key: str, content: str, announced: int = 1) -> None:
        """Puts a file that is announced so often: once by the bucket, the other times as S3 may do."""
        bucket = self.outputs["LandingBucketName"]
        made = self.s3.put_object(Bucket=bucket, Key=key, Body=content.encode())
        thing = {"key": key, "size": len(content.encode()), "versionId": made["VersionId"]}
        thing["eTag"] = made["ETag"].strip('"')
        record = {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": bucket}, "object": thing}}
        for _ in range(announced - 1):
            self.sqs.send_message(
                QueueUrl=self.outputs["IngestionQueueUrl"], MessageBody=json.dumps({"Records": [record]})
            )

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("ndr-ingestion", "status", "--json").stdout)
        return found

    def settled(self, **files: int) -> dict[str, Any]:
        """The status once as many files are in these states and all manifests have ended."""

        def there() -> dict[str, Any] | None:
            found = self.status()
            going_on = sum(
                found["manifests"].get(state, 0) for state in ("claiming", "claimed", "manifested", "processing")
            )
            return found if not going_on and all(found["files"][name] >= n for name, n in files.items()) else None

        found: dict[str, Any] = wait_for(there, 120, pause=0.5)
        return found

    def rows(self, prefix: str) -> list[dict[str, Any]]:
        """The rows of all Parquet below a prefix."""
        bucket = self.outputs["ParquetBucketName"]
        found = []
        for entry in self.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ()):
            body = self.s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
            found += pq.read_table(io.BytesIO(body)).to_pylist()
        return found


def deploy(start_local_aws: Callable[..., LocalAws], folder: Path, settings: Mapping[str, str]) -> Deployed:
    """A local AWS of its own with both stacks, these parameters given."""
    local = start_local_aws(scripts_folder(), SFN_WAIT_SCALE="0.05")
    deployed = Deployed(local, {}, local.client("s3"), local.client("sqs"))
    words = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    done = deployed.run("ndr-statemachines", "deploy", "--outputs", str(folder / "outputs.json"), *words)
    assert done.returncode == 0, done.stderr
    deployed.outputs.update(json.loads((folder / "outputs.json").read_text()))
    return deployed


def lines(name: str) -> str:
    """The content of a file whose records say which they are."""
    return "".join(json.dumps({"id": f"{name}/{number}", "amount": 1.5}) + "\n" for number in range(RECORDS))
