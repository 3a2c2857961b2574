"""A stack as ingestion has it: from an object to a function, with all its resources from a template."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from localaws.cli.process import LocalAws
from tests.localaws.running import unique, wait_for
from tests.localaws.services.functions.functions import IMAGE, ROLE, write_function

TEMPLATE = Path(__file__).with_name("ingestion.yaml")


@dataclass
class Stack:
    """A deployed stack: its name, its outputs, and the folder into which its function writes what it gets."""

    local: LocalAws
    name: str
    outputs: dict[str, str]
    folder: Path

    def notes(self) -> list[dict[str, Any]]:
        """Events and records that the function got, in order."""
        path = self.folder / "notes"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def bodies(self) -> list[Any]:
        """The bodies of the records that the function got."""
        return [json.loads(note["body"]) for note in self.notes() if "body" in note]

    def send(self, **body: Any) -> None:
        self.local.client("sqs").send_message(QueueUrl=self.outputs["Queue"], MessageBody=json.dumps(body))

    def dead(self) -> list[Any]:
        """The bodies of the messages in the dead-letter queue."""
        found = self.local.client("sqs").receive_message(
            QueueUrl=self.outputs["Dead"], VisibilityTimeout=0, MaxNumberOfMessages=10
        )
        return [json.loads(message["Body"]) for message in found.get("Messages", [])]


def deploy(local: LocalAws, name: str, folder: Path, **parameters: str) -> dict[str, str]:
    """The outputs of the stack, once it is there."""
    client = local.client("cloudformation")
    given = {"Folder": str(folder), "Image": IMAGE, **parameters}
    known = [stack["StackName"] for stack in client.describe_stacks()["Stacks"]]
    (client.update_stack if name in known else client.create_stack)(
        StackName=name,
        TemplateBody=TEMPLATE.read_text(),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
    )

    def ended() -> Any:
        stack = client.describe_stacks(StackName=name)["Stacks"][0]
        return None if stack["StackStatus"].endswith("IN_PROGRESS") else stack

    stack = wait_for(ended)
    assert stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), client.describe_stack_events(StackName=name)
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


@contextmanager
def deployed(local: LocalAws, step_bin: Path, folder: Path) -> Iterator[Stack]:
    """A stack of its own, which is deleted afterwards."""
    write_function(step_bin)
    name = unique("ingestion")
    yield Stack(local, name, deploy(local, name, folder), folder)
    client = local.client("cloudformation")
    client.delete_stack(StackName=name)
    client.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})


@pytest.fixture
def stack(local_aws: LocalAws, step_bin: Path, tmp_path: Path) -> Iterator[Stack]:
    with deployed(local_aws, step_bin, tmp_path) as made:
        yield made


@pytest.fixture(scope="module", autouse=True)
def early(local_aws: LocalAws, step_bin: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack from before the first test: its schedules are due a minute later, when the others have run."""
    with deployed(local_aws, step_bin, tmp_path_factory.mktemp("early")) as made:
        yield made


def test_an_object_is_announced_to_the_function(stack: Stack) -> None:
    bucket, s3 = stack.outputs["Landing"], stack.local.client("s3")
    for key in ("in/a b+ü.ndjson", "in/other.csv", "out/b.ndjson"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"{}")
    version = s3.put_object(Bucket=bucket, Key="in/last.ndjson", Body=b"{}\n")["VersionId"]
    bodies = wait_for(lambda: len(found := stack.bodies()) == 3 and found)
    assert [body["Event"] for body in bodies if "Event" in body] == ["s3:TestEvent"]
    objects = {
        body["Records"][0]["s3"]["object"]["key"]: body["Records"][0]["s3"] for body in bodies if "Records" in body
    }
    assert set(objects) == {"in/a+b%2B%C3%BC.ndjson", "in/last.ndjson"}
    last = objects["in/last.ndjson"]
    assert (last["bucket"]["name"], last["object"]["size"], last["object"]["versionId"]) == (bucket, 3, version)
    assert last["object"]["sequencer"] > objects["in/a+b%2B%C3%BC.ndjson"]["object"]["sequencer"]


@pytest.mark.slow
def test_only_failed_messages_come_again_and_end_in_the_dead_letter_queue(stack: Stack) -> None:
    stack.send(do="echo", n=1)
    stack.send(do="fail", n=2)
    stack.send(do="kill", n=3)
    wait_for(lambda: {body["n"] for body in stack.dead()} >= {2, 3}, 60)
    received = [
        (json.loads(note["body"])["n"], note["attributes"]["ApproximateReceiveCount"])
        for note in stack.notes()
        if '"n"' in note.get("body", "")
    ]
    assert {count for n, count in received if n == 2} == {count for n, count in received if n == 3} == {"1", "2"}
    # it comes again only if it was in the batch of the process that died, or of one that took longer than it is hidden
    assert {count for n, count in received if n == 1} <= {"1", "2"}
    assert all(body["n"] != 1 for body in stack.dead()) or (1, "2") in received


@pytest.mark.slow
def test_the_queue_alarm_tells_its_topic(stack: Stack) -> None:
    sqs = stack.local.client("sqs")
    sqs.send_message(QueueUrl=stack.outputs["Dead"], MessageBody="{}")
    alerts = stack.outputs["AlertQueue"]
    (message,) = wait_for(lambda: sqs.receive_message(QueueUrl=alerts).get("Messages"), 40)
    alarm = json.loads(json.loads(message["Body"])["Message"])
    assert (alarm["AlarmName"], alarm["NewStateValue"]) == (stack.outputs["Alarm"], "ALARM")
    sqs.purge_queue(QueueUrl=stack.outputs["Dead"])
    describe = stack.local.client("cloudwatch").describe_alarms
    wait_for(lambda: describe(AlarmNames=[alarm["AlarmName"]])["MetricAlarms"][0]["StateValue"] == "OK", 40)


def test_what_ministack_drops_is_applied(stack: Stack, tmp_path: Path) -> None:
    local, outputs = stack.local, stack.outputs
    functions, tables, jobs = local.client("lambda"), local.client("dynamodb"), local.client("glue")

    def limits() -> tuple[int, int, int]:
        return (
            functions.get_function(FunctionName=outputs["Builder"])["Concurrency"]["ReservedConcurrentExecutions"],
            functions.get_event_source_mapping(UUID=outputs["Mapping"])["ScalingConfig"]["MaximumConcurrency"],
            jobs.get_job(JobName=outputs["Job"])["Job"]["ExecutionProperty"]["MaxConcurrentRuns"],
        )

    assert limits() == (4, 4, 4)
    (rule,) = local.client("s3").get_bucket_lifecycle_configuration(Bucket=outputs["Landing"])["Rules"]
    assert (rule["ID"], rule["AbortIncompleteMultipartUpload"]) == ("u", {"DaysAfterInitiation": 2})
    assert rule["Expiration"] == {"Days": 9}
    to_live = tables.describe_time_to_live(TableName=outputs["Table"])["TimeToLiveDescription"]
    assert to_live == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}
    backups = tables.describe_continuous_backups(TableName=outputs["Table"])["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    deploy(local, stack.name, tmp_path, AtOnce="3", TimeToLive="false")
    assert limits() == (3, 3, 3)
    to_live = tables.describe_time_to_live(TableName=outputs["Table"])["TimeToLiveDescription"]
    assert to_live["TimeToLiveStatus"] == "DISABLED"


def test_the_index_of_pending_items_holds_these_only(stack: Stack) -> None:
    table, client = stack.outputs["Table"], stack.local.client("dynamodb")
    pending = {"pending_shard": {"S": "files#0"}, "pending_order": {"S": "1"}}
    client.put_item(TableName=table, Item={"date_prefix": {"S": "d"}, "file_key": {"S": "done"}})
    client.put_item(TableName=table, Item={"date_prefix": {"S": "d"}, "file_key": {"S": "waits"}, **pending})
    query = {
        "TableName": table,
        "IndexName": "pending",
        "KeyConditionExpression": "pending_shard = :s",
        "ExpressionAttributeValues": {":s": {"S": "files#0"}},
    }
    assert [item["file_key"]["S"] for item in client.query(**query)["Items"]] == ["waits"]


@pytest.mark.slow
def test_a_schedule_invokes_the_function_unless_it_is_paused(early: Stack) -> None:
    old = len(early.notes())
    once = f"{datetime.now(UTC) + timedelta(seconds=5):%Y-%m-%dT%H:%M:%S}"
    early.local.client("scheduler").create_schedule(
        Name=early.name,
        ScheduleExpression=f"at({once})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": early.outputs["BuilderArn"],
            "RoleArn": ROLE,
            "Input": json.dumps({"folder": str(early.folder), "once": "<aws.scheduler.scheduled-time>"}),
        },
    )

    def scheduled(key: str, after: int = 0) -> tuple[dict[str, Any], datetime]:
        """The first event with this key after so many others, and the time that it has."""
        event = wait_for(lambda: next((note for note in early.notes()[after:] if key in note), None), 90)
        return event, datetime.strptime(event[key], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)

    assert scheduled("once")[0]["once"] == f"{once}Z"
    event, at = scheduled("at", after=old)
    late = datetime.now(UTC) - at  # the server looks every ten seconds
    assert timedelta(0) <= late <= timedelta(seconds=15)
    assert (event["arn"].rpartition("/")[2], event["n"]) == (early.outputs["Sweep"], "1")
    assert event["id"] not in ("", "<aws.scheduler.execution-id>")
    assert scheduled("minute")[1].second == 0
    assert not [note for note in early.notes() if "paused" in note]
