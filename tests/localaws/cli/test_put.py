"""Files put into the landing bucket: what is shown of them, and when it ends."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from localaws.cli.cli import main
from localaws.cli.process import LocalAws
from localaws.cli.scoring import MACHINE
from localaws.cli.uploads import STACK
from tests.localaws.running import unique, wait_for
from tests.localaws.services.stepfunctions.machines import machine, passing

pytestmark = pytest.mark.slow

TEMPLATE: dict[str, Any] = {
    "Resources": {
        "Landing": {"Type": "AWS::S3::Bucket", "Properties": {"VersioningConfiguration": {"Status": "Enabled"}}},
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "KeySchema": [
                    {"AttributeName": "date_prefix", "KeyType": "HASH"},
                    {"AttributeName": "file_key", "KeyType": "RANGE"},
                ],
                "AttributeDefinitions": [
                    {"AttributeName": "date_prefix", "AttributeType": "S"},
                    {"AttributeName": "file_key", "AttributeType": "S"},
                ],
            },
        },
    },
    "Outputs": {"LandingBucketName": {"Value": {"Ref": "Landing"}}, "FileTrackingTable": {"Value": {"Ref": "Table"}}},
}


@pytest.fixture(scope="module")
def outputs(local_aws: LocalAws) -> Iterator[dict[str, str]]:
    """The outputs of a stack with bucket and table, in which the tests do what the builder would."""
    client = local_aws.client("cloudformation")
    client.create_stack(StackName=STACK, TemplateBody=json.dumps(TEMPLATE))
    client.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})
    found = client.describe_stacks(StackName=STACK)["Stacks"][0]["Outputs"]
    yield {output["OutputKey"]: output["OutputValue"] for output in found}
    client.delete_stack(StackName=STACK)


class Builder:
    """Tracks an object as the manifest builder does."""

    def __init__(self, local: LocalAws, outputs: dict[str, str]) -> None:
        self.local, self.outputs = local, outputs

    def track(self, key: str, date: str, *states: str, **attributes: str) -> None:
        """Waits for the object, and takes it through the states."""
        s3, bucket = self.local.client("s3"), self.outputs["LandingBucketName"]
        (version,) = wait_for(lambda: s3.list_object_versions(Bucket=bucket, Prefix=key).get("Versions"))
        name = key.rpartition("/")[2]
        item = {
            "date_prefix": date,
            "file_key": f"{name}#0123456789abcdef",
            "bucket": bucket,
            "object_key": key,
            "version_id": version["VersionId"],
            "etag": version["ETag"].strip('"'),
            **attributes,
        }
        for state in states:
            values = {name: {"S": value} for name, value in (item | {"status": state}).items()}
            self.local.client("dynamodb").put_item(TableName=self.outputs["FileTrackingTable"], Item=values)
            threading.Event().wait(1.5)  # longer than the pause between two looks

    def announce(self, date: str, manifest: str) -> None:
        """Notes in the record of a manifest that it was handed on."""
        item = {"date_prefix": date, "file_key": f"MANIFEST#{manifest}", "announced_at": "2026-03-12T00:00:00Z"}
        values = {name: {"S": value} for name, value in item.items()}
        self.local.client("dynamodb").put_item(TableName=self.outputs["FileTrackingTable"], Item=values)


@pytest.fixture
def builder(local_aws: LocalAws, outputs: dict[str, str]) -> Builder:
    return Builder(local_aws, outputs)


def put(local: LocalAws, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["put", "--home", str(local.home), *arguments])


def file(folder: Path, end: str = "") -> Path:
    path = folder / f"{unique('events')}{end}.ndjson"
    path.write_text("{}\n")
    return path


def test_each_change_of_state_is_a_line_until_all_have_ended(
    local_aws: LocalAws, builder: Builder, outputs: dict[str, str], tmp_path: Path
) -> None:
    good, bad = file(tmp_path, "-2026-03-10"), file(tmp_path, "-2026-03-11")
    why = {"reason": "too small"}
    threads = [
        threading.Thread(
            target=builder.track,
            args=(f"acme/hq/{good.name}", "2026-03-10", "pending", "processing", "completed"),
            kwargs={"manifest_id": "m1"},
        ),
        threading.Thread(
            target=builder.track,
            args=(f"acme/hq/{bad.name}", "2026-03-11", "quarantined"),
            kwargs=why,
        ),
    ]
    for thread in threads:
        thread.start()
    shown = put(local_aws, "--prefix", "acme/hq/", str(good), str(bad))
    for thread in threads:
        thread.join()
    assert shown.exit_code == 0, shown.output
    lines = shown.output.splitlines()
    assert [line for line in lines if line.startswith(good.name)] == [
        f"{good.name}: uploaded",
        f"{good.name}: pending (manifest m1)",
        f"{good.name}: processing (manifest m1)",
        f"{good.name}: completed (manifest m1)",
    ]
    assert [line for line in lines if line.startswith(bad.name)] == [
        f"{bad.name}: uploaded",
        f"{bad.name}: quarantined (too small)",
    ]
    body = local_aws.client("s3").get_object(Bucket=outputs["LandingBucketName"], Key=f"acme/hq/{good.name}")["Body"]
    assert body.read() == b"{}\n"


def test_a_failed_file_makes_the_exit_code_1(local_aws: LocalAws, builder: Builder, tmp_path: Path) -> None:
    path = file(tmp_path, "-9999-99-99")  # no date, so that it is tracked under the day of today
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    thread = threading.Thread(
        target=builder.track,
        args=(path.name, today, "pending", "failed"),
        kwargs={"warning": "no date", "created_at": "2026-03-10T12:00:00Z"},
    )
    thread.start()
    shown = put(local_aws, str(path))
    thread.join()
    assert shown.exit_code == 1
    assert shown.output.splitlines() == [
        f"{path.name}: uploaded",
        f"{path.name}: pending (no date; waits for more files; ndr-ingestion flush ends that)",
        f"{path.name}: failed (ndr-ingestion trace {path.name} says why)",
    ]


@pytest.mark.parametrize(
    ("states", "end"),
    [
        (
            {"A": passing({"batch_start_ts_iso": "2026-03-10T13:08:00Z", "batch_end_ts_iso": "2026-03-10T13:23:00Z"})},
            "scored (window 2026-03-10T13:08:00Z/2026-03-10T13:23:00Z)",
        ),
        (
            {"A": passing({"status": "INCLUDED", "lock_id": "acme#v1#2026-03-10T13:08:00Z#2026-03-10T13:23:00Z"})},
            "scored (window 2026-03-10T13:08:00Z/2026-03-10T13:23:00Z)",
        ),
        ({"A": {"Type": "Fail", "Error": "Ndr.X", "Cause": "no project"}}, "not scored (Ndr.X: no project)"),
    ],
)
def test_what_is_routed_ends_as_scored(
    local_aws: LocalAws, builder: Builder, tmp_path: Path, states: dict[str, Any], end: str
) -> None:
    path, manifest = file(tmp_path, "-2026-03-12"), unique("m")
    tested = machine(local_aws, states, name=MACHINE)
    try:
        tested.start({"batch_s3_path": "s3://b/of/another/"})
        builder.announce("2026-03-12", manifest)
        routed = {"manifest_id": manifest, "route": "ndr"}
        thread = threading.Thread(target=builder.track, args=(path.name, "2026-03-12", "completed"), kwargs=routed)
        thread.start()
        starting = threading.Timer(4, tested.start, [{"batch_s3_path": f"s3://b/fw_paloalto/a/b/{manifest}/"}])
        starting.start()
        shown = put(local_aws, str(path))
        thread.join()
        starting.join()
    finally:
        tested.client.delete_state_machine(stateMachineArn=tested.arn)
    assert shown.exit_code == (1 if "not" in end else 0)
    first, *between, last = shown.output.splitlines()
    assert (first, last) == (f"{path.name}: uploaded", f"{path.name}: {end}")
    assert set(between) <= {f"{path.name}: completed (manifest {manifest})"}  # seen if the execution is not so fast


def test_without_the_stack_it_says_what_to_do(start_local_aws: Any, tmp_path: Path) -> None:
    shown = put(start_local_aws(), str(file(tmp_path)))
    assert shown.exit_code == 1
    assert f"the stack {STACK} does not exist" in shown.output
