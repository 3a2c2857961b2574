"""The alarms of an environment: each goes off, tells its topic, and is over once its cause is."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from localaws.cli.process import LocalAws
from statemachines.deploy.stack import deploy_stack
from statemachines.generation.files import ALARMS, ROOT
from tests.localaws.running import ROLE, wait_for

PREFIX = "al-"
SECONDS = 12
"""The period of the alarms, instead of minutes."""
ENDS = {
    "Failed": ("sfn_ndr_handover", {"Type": "Fail", "Error": "Test.Failed", "Cause": "the disk is full"}),
    "TimedOut": ("sfn_customer_360", {"Type": "Wait", "Seconds": 6000, "End": True}),
    "Aborted": ("sfn_ndr_start_project", {"Type": "Wait", "Seconds": 60000, "End": True}),
}
FIGURES = {
    "late-window": ("al-ndr", "lateness_seconds", {"job": "ndr-join"}, 1300),
    "ndr-delta-rejects": ("al-ndr", "rejected_ratio", {"job": "ndr-delta"}, 0.02),
    "oldest-pending-file": ("al-ndr", "oldest_pending_seconds", {"job": "ndr-manifest-builder"}, 1900),
    "score-drift": ("al-ndr", "score_drift_ratio", {"job": "ndr-inference"}, 1.5),
    "batch_index-throttled-Write": ("AWS/DynamoDB", "WriteThrottleEvents", {"TableName": "al-batch_index"}, 3),
    "c360-clean-failed": (
        "Glue",
        "glue.error.ALL",
        {"JobName": "al-ndr-c360-clean", "JobRunId": "ALL", "Type": "count", "ObservabilityGroup": "error"},
        1,
    ),
}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def alarmed(local_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> LocalAws:
    """The stack of the alarms, with short periods, and a queue that its topic tells."""
    template = tmp_path_factory.mktemp("alarms") / "observability.yaml"
    template.write_text(re.sub(r"Period: \d+", f"Period: {SECONDS}", (ROOT / ALARMS).read_text()))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in local_aws.environment.items():
            patch.setenv(name, value)
        deploy_stack(local_aws.client("cloudformation"), "al-observability", {"Environment": PREFIX}, template)
    local_aws.client("sqs").create_queue(QueueName="al-told")
    local_aws.client("sns").subscribe(
        TopicArn="arn:aws:sns:us-east-1:000000000000:al-ndr-alarms",
        Protocol="sqs",
        Endpoint="arn:aws:sqs:us-east-1:000000000000:al-told",
    )
    return local_aws


def states(local: LocalAws) -> dict[str, str]:
    pages = local.client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmNamePrefix="al-ndr-")
    found = [alarm for page in pages for alarm in page["MetricAlarms"]]
    return {alarm["AlarmName"].removeprefix("al-ndr-"): alarm["StateValue"] for alarm in found}


def told(local: LocalAws) -> set[tuple[str, str]]:
    """Name and new state of all alarms of which the topic has told."""
    sqs, found = local.client("sqs"), set()
    url = sqs.get_queue_url(QueueName="al-told")["QueueUrl"]
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            said = json.loads(json.loads(message["Body"])["Message"])
            found.add((said["AlarmName"].removeprefix("al-ndr-"), said["NewStateValue"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def end_badly(local: LocalAws) -> dict[str, str]:
    """Executions that fail, time out and are aborted; their ARNs by how they ended."""
    machines, found = local.client("stepfunctions"), {}
    for end, (name, state) in ENDS.items():
        definition: dict[str, Any] = {"StartAt": "Do", "States": {"Do": state}}
        if end == "TimedOut":
            definition["TimeoutSeconds"] = 1
        made = machines.create_state_machine(name=f"{PREFIX}{name}", definition=json.dumps(definition), roleArn=ROLE)
        run = machines.start_execution(stateMachineArn=made["stateMachineArn"], input='{"project_name": "acme"}')
        found[end] = run["executionArn"]
    machines.stop_execution(executionArn=found["Aborted"], error="Test.Stopped", cause="by hand")
    return found


def test_each_alarm_goes_off_and_is_over(alarmed: LocalAws) -> None:
    wait_for(lambda: set(states(alarmed).values()) == {"OK"})
    sqs, cloudwatch = alarmed.client("sqs"), alarmed.client("cloudwatch")
    dead = sqs.create_queue(QueueName="al-ndr-ingestion-dlq")["QueueUrl"]
    sqs.send_message(QueueUrl=dead, MessageBody="dead")
    runs = end_badly(alarmed)
    for namespace, name, dimensions, value in FIGURES.values():
        cloudwatch.put_metric_data(
            Namespace=namespace,
            MetricData=[
                {
                    "MetricName": name,
                    "Dimensions": [{"Name": key, "Value": inner} for key, inner in dimensions.items()],
                    "Value": value,
                }
            ],
        )
    expected = {*FIGURES, "ingestion-dlq-not-empty", *(f"{name}-{end}" for end, (name, _) in ENDS.items())}
    gone_off: set[str] = set()

    def all_have_gone_off() -> bool:
        gone_off.update(name for name, state in states(alarmed).items() if state == "ALARM")
        return gone_off >= expected

    wait_for(all_have_gone_off, seconds=60)
    assert gone_off == expected
    sqs.purge_queue(QueueUrl=dead)
    wait_for(lambda: set(states(alarmed).values()) == {"OK"}, seconds=90)
    assert told(alarmed) >= {(name, state) for name in expected for state in ("ALARM", "OK")}

    # what ended badly still has its input and its cause
    described = alarmed.client("stepfunctions").describe_execution(executionArn=runs["Failed"])
    assert (described["input"], described["cause"]) == ('{"project_name": "acme"}', "the disk is full")
    assert alarmed.client("stepfunctions").describe_execution(executionArn=runs["Aborted"])["cause"] == "by hand"


def test_the_dashboard_is_there(alarmed: LocalAws) -> None:
    body = alarmed.client("cloudwatch").get_dashboard(DashboardName="al-ndr")["DashboardBody"]
    widgets = [widget["properties"] for widget in json.loads(body)["widgets"]]
    shown = [arn.rpartition(":")[2] for widget in widgets for arn in widget.get("alarms", [])]
    assert sorted(shown) == sorted(f"al-ndr-{name}" for name in states(alarmed))
