"""What a local AWS keeps over a restart, and over a kill."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from localaws.cli.process import LocalAws
from tests.localaws.running import free_port, wait_for
from tests.localaws.services.functions.functions import create as create_function
from tests.localaws.services.functions.functions import write_function
from tests.localaws.services.sagemaker.pipelines import ROLE
from tests.localaws.services.stepfunctions.machines import Machine, machine, passing
from tests.localaws.state.keeping import KEYS, announced_queue, bodies, item, kill

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("killed", [True, False])
def test_nothing_that_was_answered_is_lost(local: LocalAws, killed: bool) -> None:
    dynamodb, s3, sqs = local.client("dynamodb"), local.client("s3"), local.client("sqs")
    events, scheduler = local.client("events"), local.client("scheduler")
    for table in ("kept", "emptied", "dropped"):
        dynamodb.create_table(TableName=table, **KEYS)
        for number in range(20):
            dynamodb.put_item(TableName=table, Item=item("a", number))
    dynamodb.delete_item(TableName="kept", Key=item("a", 3))
    dynamodb.update_item(
        TableName="kept",
        Key=item("a", 4),
        UpdateExpression="SET v = :v",
        ExpressionAttributeValues={":v": {"S": "new"}},
    )
    for number in range(20):
        dynamodb.delete_item(TableName="emptied", Key=item("a", number))
    dynamodb.delete_table(TableName="dropped")
    dynamodb.create_table(TableName="dropped", **KEYS)
    s3.create_bucket(Bucket="bucket")
    s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="bucket", Key="a/b.txt", Body=b"text", Metadata={"m": "1"})
    s3.create_bucket(Bucket="empty")
    queue = sqs.create_queue(QueueName="queue")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="hello")
    events.put_rule(Name="rule", EventPattern=json.dumps({"source": ["x"]}))
    events.put_targets(Rule="rule", Targets=[{"Id": "1", "Arn": "arn:aws:sqs:us-east-1:000000000000:queue"}])
    scheduler.create_schedule(
        Name="monthly",
        ScheduleExpression="cron(0 3 1 * ? *)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": "arn:aws:sqs:us-east-1:000000000000:queue", "RoleArn": "arn:aws:iam::000000000000:role/r"},
    )
    tested = machine(local, {"A": passing({"n": 1})})
    version = tested.client.publish_state_machine_version(stateMachineArn=tested.arn)["stateMachineVersionArn"]
    routing = [{"stateMachineVersionArn": version, "weight": 100}]
    alias = tested.client.create_state_machine_alias(name="live", routingConfiguration=routing)
    execution = tested.start({"n": 1})
    tested.finish(execution)
    history = tested.history(execution)

    if killed:
        kill(local)
    else:
        local.stop()
    local.start()

    kept = dynamodb.scan(TableName="kept")["Items"]
    assert {row["s"]["N"] for row in kept} == {str(number) for number in range(20) if number != 3}
    assert next(row for row in kept if row["s"]["N"] == "4")["v"] == {"S": "new"}
    assert dynamodb.describe_table(TableName="kept")["Table"]["ItemCount"] == 19
    assert dynamodb.scan(TableName="emptied")["Count"] == dynamodb.scan(TableName="dropped")["Count"] == 0
    got = s3.get_object(Bucket="bucket", Key="a/b.txt")
    assert (got["Body"].read(), got["Metadata"]) == (b"text", {"m": "1"})
    assert s3.get_bucket_versioning(Bucket="bucket")["Status"] == "Enabled"
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["bucket", "empty"]
    assert sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"] == "hello"
    assert events.list_targets_by_rule(Rule="rule")["Targets"][0]["Id"] == "1"
    assert scheduler.get_schedule(Name="monthly")["ScheduleExpression"] == "cron(0 3 1 * ? *)"
    assert tested.finish(execution)["output"] == '{"n": 1}'
    assert tested.history(execution) == history
    assert Machine(local, alias["stateMachineAliasArn"]).output() == {"n": 1}


def test_a_kill_at_any_moment_loses_nothing_that_was_answered(local: LocalAws) -> None:
    dynamodb, s3, sqs = local.client("dynamodb"), local.client("s3"), local.client("sqs")
    dynamodb.create_table(TableName="kept", **KEYS)
    s3.create_bucket(Bucket="bucket")
    queue = sqs.create_queue(QueueName="queue")["QueueUrl"]
    _, announced = announced_queue(local, "announcing")
    tested = machine(local, {"W": {"Type": "Wait", "Seconds": 100_000}})
    writers: dict[str, Callable[[int], Any]] = {
        "item": lambda n: dynamodb.put_item(TableName="kept", Item=item("a", n)),
        "object": lambda n: s3.put_object(Bucket="bucket", Key=str(n), Body=b"x" * 1000),
        "message": lambda n: sqs.send_message(QueueUrl=queue, MessageBody=str(n)),
        "announcement": lambda n: s3.put_object(Bucket="announcing", Key=str(n), Body=b"x"),
        "execution": lambda n: tested.start({"n": n}, name=f"n-{n}"),
    }
    answered: dict[str, list[int]] = {kind: [] for kind in writers}
    stopping = threading.Event()

    def write(kind: str, first: int) -> None:
        number = first
        while not stopping.is_set():
            try:
                writers[kind](number)
            except (BotoCoreError, ClientError):
                return
            answered[kind].append(number)
            number += 1

    for round_number in range(3):
        threads = [threading.Thread(target=write, args=(kind, 10_000 * round_number)) for kind in writers]
        for thread in threads:
            thread.start()
        # differs by fractions of a write from round to round
        time.sleep(1.2 + 0.0037 * round_number)
        kill(local)
        stopping.set()
        for thread in threads:
            thread.join()
        stopping.clear()
        local.start()

    assert all(len(numbers) > 10 for numbers in answered.values()), answered
    pages = dynamodb.get_paginator("scan").paginate(TableName="kept")
    assert set(answered["item"]) <= {int(row["s"]["N"]) for page in pages for row in page["Items"]}
    objects = s3.get_paginator("list_objects_v2").paginate(Bucket="bucket")
    sizes = {int(found["Key"]): found["Size"] for page in objects for found in page.get("Contents", [])}
    assert set(answered["object"]) <= set(sizes)
    assert set(sizes.values()) == {1000}
    assert set(answered["message"]) <= {int(body) for body in bodies(sqs, queue)}
    records = [json.loads(body).get("Records", []) for body in bodies(sqs, announced)]
    assert set(answered["announcement"]) <= {int(found["s3"]["object"]["key"]) for each in records for found in each}
    listed = tested.client.get_paginator("list_executions").paginate(stateMachineArn=tested.arn)
    executions = {found["name"]: found["status"] for page in listed for found in page["executions"]}
    assert {f"n-{number}" for number in answered["execution"]} <= set(executions)
    assert set(executions.values()) == {"FAILED"}


def test_a_queue_is_found_after_a_start_on_another_port(local: LocalAws) -> None:
    announced_queue(local, "bucket")
    local.client("s3").put_object(Bucket="bucket", Key="before", Body=b"x")
    local.stop()
    moved = replace(local, port=free_port())
    moved.start()
    try:
        moved.client("s3").put_object(Bucket="bucket", Key="after", Body=b"x")
        sqs = moved.client("sqs")
        (url,) = sqs.list_queues()["QueueUrls"]
        assert f":{moved.port}/" in url and sqs.get_queue_url(QueueName="announced")["QueueUrl"] == url
        said = "".join(bodies(sqs, url))
        assert '"before"' in said and '"after"' in said
    finally:
        moved.stop()


@pytest.mark.parametrize("killed", [True, False])
def test_an_announcement_reaches_its_function_after_a_restart(local: LocalAws, tmp_path: Path, killed: bool) -> None:
    write_function(tmp_path / "bin")
    function = create_function(local, Environment={"Variables": {"NDR_FOLDER": str(tmp_path)}})
    queue, url = announced_queue(local, "bucket")
    mapping = local.client("lambda").create_event_source_mapping(
        EventSourceArn=queue, FunctionName=function, Enabled=False, ScalingConfig={"MaximumConcurrency": 3}
    )
    topic = local.client("sns").create_topic(Name="alerts")["TopicArn"]
    local.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    target = {"Arn": mapping["FunctionArn"], "RoleArn": ROLE, "Input": "{}"}
    local.client("scheduler").create_schedule(
        Name="sweep",
        ScheduleExpression="rate(1 hour)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=target,
        State="DISABLED",
    )
    local.client("s3").put_object(Bucket="bucket", Key="a.ndjson", Body=b"{}")
    local.client("sns").publish(TopicArn=topic, Message='{"do": "echo"}')
    if killed:
        kill(local)
    else:
        local.stop()
    local.start()
    attributes = local.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["ApproximateNumberOfMessages"] == "3"  # the test of the notification, the object, the alert
    schedule = local.client("scheduler").get_schedule(Name="sweep")
    assert (schedule["State"], schedule["Target"]["Arn"]) == ("DISABLED", mapping["FunctionArn"])
    found = local.client("lambda").get_event_source_mapping(UUID=mapping["UUID"])
    assert (found["State"], found["ScalingConfig"]) == ("Disabled", {"MaximumConcurrency": 3})
    local.client("lambda").update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
    notes = tmp_path / "notes"
    lines = wait_for(lambda: notes.exists() and len(found := notes.read_text().splitlines()) == 3 and found)
    bodies = [json.loads(json.loads(line)["body"]) for line in lines]
    assert [body["Records"][0]["s3"]["object"]["key"] for body in bodies if "Records" in body] == ["a.ndjson"]
    assert [body["Message"] for body in bodies if "Message" in body] == ['{"do": "echo"}']


def test_a_table_of_a_stack_that_was_deleted_leaves_no_items(local: LocalAws) -> None:
    client, cloudformation = local.client("dynamodb"), local.client("cloudformation")
    table = {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": "again", **KEYS}}
    for items in (1, 0):
        cloudformation.create_stack(StackName="tables", TemplateBody=json.dumps({"Resources": {"T": table}}))
        cloudformation.get_waiter("stack_create_complete").wait(StackName="tables", WaiterConfig={"Delay": 1})
        for number in range(items):
            client.put_item(TableName="again", Item=item("a", number))
        kill(local)
        local.start()
        assert client.scan(TableName="again")["Count"] == items
        if items:
            cloudformation.delete_stack(StackName="tables")
            cloudformation.get_waiter("stack_delete_complete").wait(StackName="tables", WaiterConfig={"Delay": 1})
