"""Mini-batches of the index are listed with what became of them, sent again and removed."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import yaml

from common.config.dynamodb import seed_project
from localaws.cli.process import LocalAws
from tests.commands import call
from tests.localaws.running import unique, wait_for
from tools.batches.cli import main

pytestmark = pytest.mark.slow

WINDOW, START, END = "2026-03-10T13:08Z", "2026-03-10T13:08:00Z", "2026-03-10T13:23:00Z"
ORCHESTRATION = {"lake_uri": "s3://lake/ndr", "ingestion_prefix": "s3://inbox/acme/hq"}
PREFIX = "s3://inbox/acme/hq/2026/03/10"


class Index:
    """A small stack with the tables and the bus, and what is in them."""

    def __init__(self, aws: LocalAws) -> None:
        self.aws = aws
        self.stack = unique("batches")
        self.index, self.locks, self.bus = f"{self.stack}-index", f"{self.stack}-locks", f"{self.stack}-bus"
        self.projects = f"{self.stack}-projects"
        aws.client("cloudformation").create_stack(StackName=self.stack, TemplateBody=yaml.safe_dump(self._template()))
        wait_for(lambda: self._status() == "CREATE_COMPLETE")

    def _status(self) -> str:
        stack = self.aws.client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"][0]
        return str(stack["StackStatus"])

    def _template(self) -> dict[str, Any]:
        def table(name: str, *keys: str) -> dict[str, Any]:
            schema = [
                {"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
            ]
            attributes = [{"AttributeName": key, "AttributeType": "S"} for key in keys]
            properties = {"TableName": name, "KeySchema": schema, "AttributeDefinitions": attributes}
            return {"Type": "AWS::DynamoDB::Table", "Properties": {**properties, "BillingMode": "PAY_PER_REQUEST"}}

        resources = {
            "Index": table(self.index, "project_name", "batch_key"),
            "Locks": table(self.locks, "lock_id"),
            "Projects": table(self.projects, "project_name", "parameters"),
            "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": self.bus}},
        }
        outputs = {
            "BatchIndexTable": self.index, "ProcessingLockTable": self.locks, "EventBusName": self.bus,
            "ProjectParametersTable": self.projects,
        }  # fmt: skip
        return {"Resources": resources, "Outputs": {name: {"Value": value} for name, value in outputs.items()}}

    def note(self, name: str, key: str | None = None, **more: str) -> str:
        """An entry of the index."""
        values = {
            "project_name": "acme", "batch_key": f"{END}#{key or f'acme/hq/2026/03/10/{name}'}",
            "batch_s3_path": f"{PREFIX}/{name}", "mini_batch_id": name, "event_ts_iso": "2026-03-10T13:23:11Z", **more,
        }  # fmt: skip
        item = {name: {"S": value} for name, value in values.items()}
        self.aws.client("dynamodb").put_item(TableName=self.index, Item=item)
        return values["batch_s3_path"]

    def lock(self, **more: Any) -> None:
        """The lock of the window."""
        item = {"lock_id": {"S": f"acme#v1#{START}#{END}"}, **more}
        self.aws.client("dynamodb").put_item(TableName=self.locks, Item=item)

    def held(self) -> dict[str, Any]:
        return {"owner": {"S": "an execution"}, "expires_at": {"N": str(int(time.time()) + 60)}}

    def keys(self) -> list[str]:
        """The keys of all entries and claims."""
        items = self.aws.client("dynamodb").scan(TableName=self.index, ConsistentRead=True)["Items"]
        return sorted(item["batch_key"]["S"] for item in items)

    def listen(self) -> str:
        """A queue that hears what the bus hears."""
        sqs, events = self.aws.client("sqs"), self.aws.client("events")
        queue = str(sqs.create_queue(QueueName=self.stack)["QueueUrl"])
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        events.put_rule(Name="heard", EventBusName=self.bus, EventPattern='{"detail-type": ["NdrBatchCompleted"]}')
        events.put_targets(Rule="heard", EventBusName=self.bus, Targets=[{"Id": "heard", "Arn": arn}])
        return queue

    def call(self, command: str, *more: str, window: str = WINDOW) -> tuple[int, str, str]:
        options = ("--window", window, "--project-name", "acme", "--stack", self.stack)
        return call(main, command, *options, *more)

    def states(self, *more: str) -> dict[str, str]:
        """The state of each mini-batch by the name of its folder."""
        code, output, error = self.call("list", *more)
        assert code == 0, error
        found = [json.loads(line) for line in output.splitlines()]
        return {entry["path"].rpartition("/")[2]: entry["state"] for entry in found}


@pytest.fixture
def index(aws_environment: LocalAws) -> Index:
    return Index(aws_environment)


def test_each_batch_is_listed_with_what_became_of_it(index: Index) -> None:
    done = index.note("done")
    index.note("aside", set_aside="line 1 is damaged")
    index.note("failing", failure="Ndr.PipelineFailed: the disk is full")
    index.note("nobody")
    index.note("later", batch_key="2026-03-10T13:38:00Z#acme/hq/2026/03/10/later")  # of another window
    index.lock(published={"SS": [done]})
    assert index.states() == {"done": "included", "aside": "set-aside", "failing": "failed", "nobody": "unfinished"}
    assert index.states("--state", "failed", "--state", "included") == {"done": "included", "failing": "failed"}
    _, output, _ = index.call("list", "--state", "set-aside", "--format", "csv")
    assert output.splitlines()[1:] == [f"{WINDOW},set-aside,2026-03-10T13:23:11Z,{PREFIX}/aside,line 1 is damaged"]
    index.lock(published={"SS": [done]}, **index.held())
    assert index.states() == {"done": "included", "aside": "set-aside", "failing": "announced", "nobody": "announced"}


def test_entries_and_locks_of_the_release_before_are_understood(index: Index) -> None:
    done = index.note("done", key="done")
    index.note("done")
    index.note("other", key="other")
    index.lock(batches={"SS": [done]}, status={"S": "SUCCEEDED"}, **index.held())
    assert index.states() == {"done": "included", "other": "unfinished"}


def test_a_batch_is_sent_again_and_takes_part_again(index: Index) -> None:
    path = index.note("aside", set_aside="damaged", set_aside_at="1")
    done = index.note("done")
    index.lock(published={"SS": [done]})
    queue = index.listen()
    code, output, error = index.call("retry")
    assert (code, output) == (0, f"{path}: sent again\n"), error
    assert index.states() == {"aside": "unfinished", "done": "included"}
    message = index.aws.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"][0]
    assert json.loads(message["Body"])["detail"] == {"batch_s3_path": f"{path}/", "timestamp": "2026-03-10T13:23:11Z"}
    code, _, error = index.call("retry", done)
    assert code == 1 and "is in the tables already" in error


def test_a_batch_that_is_in_no_table_is_removed_with_all_its_entries(index: Index) -> None:
    path = index.note("wrong", key="wrong")
    index.note("wrong", failure="no firewall log")
    index.note("claim", batch_key="path#acme/hq/2026/03/10/wrong")
    kept = index.note("kept")
    index.lock(published={"SS": [kept]}, batches={"SS": [kept]})
    code, output, error = index.call("remove", f"{path}/")
    assert (code, output) == (0, f"{path}: removed\n"), error
    assert index.keys() == [f"{END}#acme/hq/2026/03/10/kept"]


@pytest.mark.parametrize("attribute", ["published", "batches"])
def test_a_batch_that_is_in_the_tables_is_not_removed(index: Index, attribute: str) -> None:
    path = index.note("done")
    index.lock(**{attribute: {"SS": [path]}})
    code, _, error = index.call("remove", path)
    assert code == 1 and "is in the tables of window" in error
    assert len(index.keys()) == 1


def test_a_batch_whose_window_is_being_worked_on_is_not_removed(index: Index) -> None:
    path = index.note("new")
    index.lock(**index.held())
    code, _, error = index.call("remove", path)
    assert code == 1 and "an execution works on window" in error
    index.lock(owner={"S": "an execution that was killed"}, expires_at={"N": "1"})
    assert index.call("remove", path)[0] == 0


@pytest.mark.parametrize("command", ["retry", "remove"])
def test_nothing_is_changed_if_one_of_the_batches_is_unknown(index: Index, command: str) -> None:
    path = index.note("known", set_aside="damaged")
    code, _, error = index.call(command, path, f"{PREFIX}/unknown")
    assert code == 1 and f"{PREFIX}/unknown is not recorded for {WINDOW}" in error
    assert index.states() == {"known": "set-aside"}


def test_what_a_terminal_would_obey_is_shown_in_escapes(index: Index) -> None:
    index.note("hostile", set_aside="\x1b[2J\u202egpj.exe\x9b31m")
    _, output, _ = index.call("list", "--format", "table")
    assert "\\x1b[2J\\u202egpj.exe\\x9b31m" in output


def test_the_only_project_needs_no_name(index: Index) -> None:
    index.note("a")
    options = ("list", "--window", WINDOW, "--stack", index.stack)
    code, _, error = call(main, *options)
    assert (code, f"table {index.projects} has no project. Deploy one" in error) == (1, True)
    for version in ("v1", "v2"):
        seed_project(index.projects, "acme", version, {}, ORCHESTRATION)
    code, output, error = call(main, *options)
    assert code == 0, error
    assert f"{PREFIX}/a" in output
    seed_project(index.projects, "plant", "v1", {}, ORCHESTRATION)
    code, _, error = call(main, *options)
    assert (code, "has the projects acme, plant. Name one with --project-name" in error) == (1, True)


def test_a_stack_that_does_not_exist_is_named(index: Index) -> None:
    code, _, error = index.call("list", "--stack", "no-such-stack")
    assert code == 1 and "the stack no-such-stack does not exist" in error
