"""Alarms on state machines: a failed execution sets one off and, once it is past, it is over."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localaws.cli.process import LocalAws
from tests.localaws.running import ROLE, unique, wait_for

SECONDS = 10
FAILS = {"StartAt": "End", "States": {"End": {"Type": "Fail", "Error": "Test.Failed"}}}


@pytest.mark.slow
def test_an_execution_that_failed_sets_an_alarm_off_until_it_is_past(local_aws: LocalAws) -> None:
    states, cloudwatch = local_aws.client("stepfunctions"), local_aws.client("cloudwatch")
    name = unique("alarm")
    machine = states.create_state_machine(name=name, definition=json.dumps(FAILS), roleArn=ROLE)["stateMachineArn"]
    topic = local_aws.client("sns").create_topic(Name=name)["TopicArn"]
    queue = local_aws.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:000000000000:{name}"
    local_aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    for metric in ("ExecutionsFailed", "ExecutionsAborted"):
        cloudwatch.put_metric_alarm(
            AlarmName=f"{name}-{metric}",
            Namespace="AWS/States",
            MetricName=metric,
            Dimensions=[{"Name": "StateMachineArn", "Value": machine}],
            Statistic="Sum",
            Period=SECONDS,
            EvaluationPeriods=1,
            Threshold=0,
            ComparisonOperator="GreaterThanThreshold",
            AlarmActions=[topic],
            OKActions=[topic],
        )

    def state(metric: str) -> str:
        (alarm,) = cloudwatch.describe_alarms(AlarmNames=[f"{name}-{metric}"])["MetricAlarms"]
        return str(alarm["StateValue"])

    wait_for(lambda: state("ExecutionsFailed") == "OK")
    states.start_execution(stateMachineArn=machine)
    wait_for(lambda: state("ExecutionsFailed") == "ALARM")
    assert state("ExecutionsAborted") == "OK"
    wait_for(lambda: state("ExecutionsFailed") == "OK", seconds=60)
    told = wait_for(lambda: _told(local_aws, queue, "ALARM"))
    assert told["AlarmName"] == f"{name}-ExecutionsFailed"


def _told(local: LocalAws, queue: str, state: str) -> dict[str, Any] | None:
    """What a topic said of an alarm that came into this state."""
    found = local.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=0)
    said = [json.loads(json.loads(message["Body"])["Message"]) for message in found.get("Messages", [])]
    return next((one for one in said if one["NewStateValue"] == state), None)
