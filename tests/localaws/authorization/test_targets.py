"""Rules, schedules and event source mappings may do what their roles permit."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from localaws.cli.process import LocalAws
from tests.localaws.authorization.roles import HERE, allow, permit, role_of
from tests.localaws.running import create_role, unique, wait_for
from tests.localaws.services.functions.functions import IMAGE
from tests.localaws.services.stepfunctions.machines import Machine, machine, passing

QUEUE = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]


def started(tested: Machine, local: LocalAws) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = local.client("stepfunctions").list_executions(stateMachineArn=tested.arn)[
        "executions"
    ]
    return found


def queue(local: LocalAws, *statements: dict[str, Any]) -> tuple[str, str]:
    """The URL and ARN of a new queue with this policy."""
    client, name = local.client("sqs"), unique("queue")
    url, arn = client.create_queue(QueueName=name)["QueueUrl"], f"arn:aws:sqs:{HERE}:{name}"
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**one, "Resource": arn} for one in statements]})
    client.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    return url, arn


def messages(local: LocalAws, url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        local.client("sqs")
        .receive_message(QueueUrl=url, MessageAttributeNames=["All"], VisibilityTimeout=0)
        .get("Messages", [])
    )
    return found


def test_a_rule_starts_what_its_role_permits_and_the_rest_is_a_dead_letter(guarded: LocalAws) -> None:
    tested = machine(guarded, {"A": passing()}, role=create_role(guarded, unique("role")))
    events, name = guarded.client("events"), unique("rule")
    rule = events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))["RuleArn"]
    sending = {
        "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage",
        "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
    }  # fmt: skip
    url, dead = queue(guarded, sending)
    role = role_of(guarded, "events", allow("states:StartExecution", f"{tested.arn}-other"))
    target = {"Id": "one", "Arn": tested.arn, "RoleArn": role, "DeadLetterConfig": {"Arn": dead}}
    events.put_targets(Rule=name, Targets=[target])
    entry = {"Source": name, "DetailType": "d", "Detail": "{}"}
    events.put_events(Entries=[entry])
    (message,) = wait_for(lambda: messages(guarded, url))
    attributes = {key: value["StringValue"] for key, value in message["MessageAttributes"].items()}
    assert (attributes["ERROR_CODE"], attributes["RULE_ARN"], attributes["TARGET_ARN"]) == (
        "NO_PERMISSIONS", rule, tested.arn,
    )  # fmt: skip
    assert f"not authorized to perform: states:StartExecution on resource: {tested.arn}" in attributes["ERROR_MESSAGE"]
    assert started(tested, guarded) == []
    permit(guarded, role.rpartition("/")[2], allow("states:StartExecution", tested.arn))
    events.put_events(Entries=[entry])
    assert len(wait_for(lambda: started(tested, guarded))) == 1


def test_a_rule_publishes_only_where_the_topic_lets_it(guarded: LocalAws) -> None:
    """The message reaches a queue that the topic delivers to."""
    sns, events, name = guarded.client("sns"), guarded.client("events"), unique("rule")
    topic = sns.create_topic(Name=name)["TopicArn"]
    url, arn = queue(guarded, {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage"})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    rule = events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))["RuleArn"]
    events.put_targets(Rule=name, Targets=[{"Id": "one", "Arn": topic}])

    def let(source: str) -> None:
        statement = {
            "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sns:Publish",
            "Resource": topic, "Condition": {"ArnEquals": {"aws:SourceArn": source}},
        }  # fmt: skip
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)

    for source, detail in ((f"{rule}-other", {"n": 1}), (rule, {"n": 2})):
        let(source)
        events.put_events(Entries=[{"Source": name, "DetailType": "d", "Detail": json.dumps(detail)}])
    (message,) = wait_for(lambda: messages(guarded, url))
    assert '\\"n\\": 2' in message["Body"]


@pytest.mark.slow
def test_a_schedule_needs_a_role_that_trusts_it(guarded: LocalAws) -> None:
    """Both are due in a second; ministack looks every ten seconds."""
    tested = machine(guarded, {"A": passing()}, role=create_role(guarded, unique("role")))
    scheduler = guarded.client("scheduler")
    due = datetime.now(UTC) + timedelta(seconds=1)
    start = allow("states:StartExecution", tested.arn)
    elsewhere = {"Condition": {"StringEquals": {"aws:SourceAccount": "111111111111"}}}
    roles = {
        "foreign": role_of(guarded, "scheduler", start, **elsewhere),
        "events": role_of(guarded, "events", start),
        "poor": role_of(guarded, "scheduler", allow("states:StartExecution", f"{tested.arn}-other")),
        "right": role_of(guarded, "scheduler", start),
    }
    for kind, role in roles.items():
        target = {"Arn": tested.arn, "RoleArn": role, "Input": json.dumps({"kind": kind})}
        scheduler.create_schedule(
            Name=unique(kind), ScheduleExpression=f"at({due:%Y-%m-%dT%H:%M:%S})", Target=target,
            FlexibleTimeWindow={"Mode": "OFF"}, ActionAfterCompletion="DELETE",
        )  # fmt: skip
    wait_for(lambda: scheduler.list_schedules()["Schedules"] == [], 30)
    (execution,) = started(tested, guarded)
    found = guarded.client("stepfunctions").describe_execution(executionArn=execution["executionArn"])
    assert json.loads(found["input"]) == {"kind": "right"}


def test_a_mapping_reads_a_queue_only_with_the_role_of_its_function(guarded: LocalAws) -> None:
    url, arn = queue(guarded)
    client, name = guarded.client("lambda"), unique("function")
    role = role_of(guarded, "lambda", allow(QUEUE[1:], arn))
    client.create_function(FunctionName=name, PackageType="Image", Code={"ImageUri": IMAGE}, Role=role, Timeout=20)
    wait_for(lambda: client.get_function_configuration(FunctionName=name)["State"] == "Active")
    made = client.create_event_source_mapping(EventSourceArn=arn, FunctionName=name)["UUID"]
    guarded.client("sqs").send_message(QueueUrl=url, MessageBody='{"do": "echo"}')

    def result() -> str:
        return str(client.get_event_source_mapping(UUID=made).get("LastProcessingResult", ""))

    assert f"not authorized to perform: sqs:ReceiveMessage on resource: {arn}" in wait_for(
        lambda: result() if result().startswith("PROBLEM") else ""
    )
    permit(guarded, role.rpartition("/")[2], allow(QUEUE, arn))
    wait_for(lambda: result() == "OK - 1 records")


def test_a_function_needs_a_role_that_lambda_can_assume(guarded: LocalAws) -> None:
    client, name = guarded.client("lambda"), unique("function")
    role = role_of(guarded, "glue")
    client.create_function(FunctionName=name, PackageType="Image", Code={"ImageUri": IMAGE}, Role=role, Timeout=20)
    wait_for(lambda: client.get_function_configuration(FunctionName=name)["State"] == "Active")
    answer = client.invoke(FunctionName=name, Payload=b'{"do": "echo"}')
    assert "cannot be assumed by Lambda" in json.load(answer["Payload"])["errorMessage"]
