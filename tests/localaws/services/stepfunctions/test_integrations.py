"""Step Functions as on AWS: calls of DynamoDB, SageMaker and EventBridge."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from localaws.cli.process import LocalAws
from tests.localaws.running import create_table, unique, wait_for, write_step
from tests.localaws.services.sagemaker.pipelines import create, definition, step
from tests.localaws.services.stepfunctions.machines import machine, passing


def test_conditional_puts_are_atomic(local_aws: LocalAws) -> None:
    """A hundred executions and clients want one lock: exactly one gets it, again and again."""
    table = unique("locks")
    client = local_aws.client("dynamodb")
    create_table(local_aws, table, "k")
    put = {
        "Type": "Task",
        "Resource": "arn:aws:states:::dynamodb:putItem",
        "Arguments": {
            "TableName": table,
            "Item": {"k": {"S": "{% $states.input.lock %}"}, "owner": {"S": "{% $states.context.Execution.Name %}"}},
            "ConditionExpression": "attribute_not_exists(k)",
        },
        "Output": "won",
        "Catch": [{"ErrorEquals": ["DynamoDB.ConditionalCheckFailedException"], "Output": "lost", "Next": "Lost"}],
        "End": True,
    }
    tested = machine(local_aws, {"A": put, "Lost": passing("lost")})
    won_by_client: list[str] = []
    lock = threading.Lock()

    def by_client(name: str) -> None:
        try:
            client.put_item(
                TableName=table,
                Item={"k": {"S": name}, "owner": {"S": "client"}},
                ConditionExpression="attribute_not_exists(k)",
            )
        except client.exceptions.ConditionalCheckFailedException:
            return
        with lock:
            won_by_client.append(name)

    with ThreadPoolExecutor(max_workers=20) as pool:
        arns = []
        for _ in range(20):
            for name in ("a", "b", "c", "d"):
                arns.append(pool.submit(tested.start, {"lock": name}))
                pool.submit(by_client, name)
    done = [json.loads(tested.finish(future.result())["output"]) for future in arns]
    assert done.count("won") + len(won_by_client) == 4


def test_errors_of_sagemaker_have_the_names_of_the_java_sdk(local_aws: LocalAws, step_bin: Path) -> None:
    def start(name: str) -> dict[str, object]:
        arguments = {"PipelineName": name, "ClientRequestToken": "t" * 32}
        return {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:sagemaker:startPipelineExecution",
            "Arguments": arguments,
        }

    assert machine(local_aws, {"A": start("none")}).failure()[0] == "SageMaker.ResourceNotFoundException"
    needy = create(local_aws, definition(step("A"), parameters=({"Name": "P", "Type": "String"},)))
    assert machine(local_aws, {"A": start(needy)}).failure()[0] == "SageMaker.SageMakerException"


def test_a_machine_runs_a_pipeline(local_aws: LocalAws, step_bin: Path) -> None:
    write_step(step_bin, "ndr-quick", "true")
    name = create(local_aws, definition(step("A", "ndr-quick")))
    sdk = "arn:aws:states:::aws-sdk:sagemaker:"
    start = {"PipelineName": name, "ClientRequestToken": "{% $uuid() %}"}
    tested = machine(
        local_aws,
        {
            "Start": {"Type": "Task", "Resource": f"{sdk}startPipelineExecution", "Arguments": start},
            "Describe": {
                "Type": "Task",
                "Resource": f"{sdk}describePipelineExecution",
                "Arguments": {"PipelineExecutionArn": "{% $states.input.PipelineExecutionArn %}"},
            },
            "Choose": {
                "Type": "Choice",
                "Choices": [{"Condition": "{% $states.input.PipelineExecutionStatus = 'Succeeded' %}", "Next": "Done"}],
                "Default": "Pause",
            },
            "Pause": {"Type": "Wait", "Seconds": 1, "Next": "Describe"},
            "Done": {"Type": "Succeed"},
        },
    )
    done = tested.output()
    assert done["PipelineExecutionStatus"] == "Succeeded"
    assert done["CreationTime"].endswith("Z")


def test_events_may_be_objects_and_reach_their_targets(local_aws: LocalAws) -> None:
    bus, queue = unique("bus"), unique("queue")
    events, sqs = local_aws.client("events"), local_aws.client("sqs")
    events.create_event_bus(Name=bus)
    url = sqs.create_queue(QueueName=queue)["QueueUrl"]
    events.put_rule(Name=bus, EventBusName=bus, EventPattern=json.dumps({"detail": {"kind": ["done"]}}))
    target = {"Id": "1", "Arn": f"arn:aws:sqs:us-east-1:000000000000:{queue}"}
    events.put_targets(Rule=bus, EventBusName=bus, Targets=[target])
    entry = {"Source": "ndr", "DetailType": "Done", "EventBusName": bus, "Detail": {"kind": "{% $states.input.kind %}"}}
    put = {"Type": "Task", "Resource": "arn:aws:states:::events:putEvents", "Arguments": {"Entries": [entry]}}
    tested = machine(local_aws, {"A": put})
    tested.output({"kind": "other"})
    tested.output({"kind": "done"})
    received = wait_for(lambda: sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"))
    assert [json.loads(message["Body"])["detail"] for message in received] == [{"kind": "done"}]


def test_an_event_that_is_refused_fails_the_task(local_aws: LocalAws) -> None:
    entry = {"Source": "aws.ndr", "DetailType": "Done", "Detail": {}}
    put = {"Type": "Task", "Resource": "arn:aws:states:::events:putEvents", "Arguments": {"Entries": [entry]}}
    assert machine(local_aws, {"A": put}).failure()[0] == "EventBridge.FailedEntry"


def task(resource: str, **arguments: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Arguments": arguments}


def test_a_transaction_writes_all_items_or_none(local_aws: LocalAws) -> None:
    table, client = unique("files"), local_aws.client("dynamodb")
    create_table(local_aws, table, "k")
    for key in ("a", "b"):
        client.put_item(TableName=table, Item={"k": {"S": key}, "owner": {"S": "me"}})
    update = """{% $states.input.keys.{"Update": {
        "TableName": $states.input.table, "Key": {"k": {"S": $}}, "UpdateExpression": "SET #s = :s",
        "ConditionExpression": "#o = :me", "ExpressionAttributeNames": {"#s": "status", "#o": "owner"},
        "ExpressionAttributeValues": {":s": {"S": $states.input.status}, ":me": {"S": "me"}}}}[] %}"""
    tested = machine(local_aws, {"A": task("aws-sdk:dynamodb:transactWriteItems", TransactItems=update)})

    def statuses() -> list[str]:
        return sorted(item["status"]["S"] for item in client.scan(TableName=table)["Items"])

    tested.output({"table": table, "keys": ["a", "b"], "status": "processing"})
    assert statuses() == ["processing", "processing"]
    error, _ = tested.failure({"table": table, "keys": ["a", "none"], "status": "completed"})
    assert (error, statuses()) == ("DynamoDb.TransactionCanceledException", ["processing", "processing"])
    tested.output({"table": table, "keys": ["b"], "status": "completed"})
    assert statuses() == ["completed", "processing"]


def test_an_update_returns_the_item_as_asked(local_aws: LocalAws) -> None:
    table = unique("counts")
    create_table(local_aws, table, "k")

    def counted(values: str) -> Any:
        update = task(
            "dynamodb:updateItem",
            TableName=table,
            Key={"k": {"S": "a"}},
            UpdateExpression="ADD n :one SET seen = :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
            ReturnValues=values,
        )
        return machine(local_aws, {"A": update}).output().get("Attributes")

    one, three = {"N": "1"}, {"N": "3"}
    assert counted("ALL_NEW") == {"k": {"S": "a"}, "n": one, "seen": one}
    assert counted("ALL_OLD") == {"k": {"S": "a"}, "n": one, "seen": one}
    assert counted("UPDATED_NEW") == {"n": three, "seen": one}
    assert counted("UPDATED_OLD") == {"n": three, "seen": one}


def test_a_published_message_reaches_the_queue_of_a_subscriber(local_aws: LocalAws) -> None:
    queue, sns, sqs = unique("queue"), local_aws.client("sns"), local_aws.client("sqs")
    url, arn = sqs.create_queue(QueueName=queue)["QueueUrl"], f"arn:aws:sqs:us-east-1:000000000000:{queue}"
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = {"Version": "2012-10-17", "Statement": [allowed]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    topic = sns.create_topic(Name=unique("alerts"))["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    publish = task("sns:publish", TopicArn=topic, Subject="failed", Message={"manifest": "{% $states.input.id %}"})
    machine(local_aws, {"A": publish}).output({"id": "m1"})
    (received,) = wait_for(lambda: sqs.receive_message(QueueUrl=url).get("Messages"))
    notification = json.loads(received["Body"])
    assert (notification["Subject"], json.loads(notification["Message"])) == ("failed", {"manifest": "m1"})


def test_an_object_is_copied(local_aws: LocalAws) -> None:
    bucket, s3 = unique("bucket"), local_aws.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="a b/ü.parquet", Body=b"12345")
    source = "{% $states.input.bucket & '/' & $encodeUrl($states.input.key) %}"
    tested = machine(
        local_aws, {"A": task("aws-sdk:s3:copyObject", Bucket=bucket, Key="x=1/ü.parquet", CopySource=source)}
    )
    copied = tested.output({"bucket": bucket, "key": "a b/ü.parquet"})
    assert copied["CopyObjectResult"]["ETag"] == '"827ccb0eea8a706c4c34a16891f84e7b"'
    assert s3.get_object(Bucket=bucket, Key="x=1/ü.parquet")["Body"].read() == b"12345"
    assert tested.failure({"bucket": bucket, "key": "none"})[0] == "S3.NoSuchKeyException"
