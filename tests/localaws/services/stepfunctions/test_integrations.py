"""Step Functions as on AWS: calls of DynamoDB, SageMaker and EventBridge."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

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
