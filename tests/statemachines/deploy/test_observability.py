"""The alarms of an environment: each goes off, tells its topic, and is over once its cause is."""

from __future__ import annotations

import json
import re
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from common.config.training import TrainingParameters
from common.detection.drift.monitor import DriftMonitor
from common.detection.drift.reference import DriftReference
from common.runtime.metrics import VARIABLE
from common.runtime.run_report import RunReport
from localaws.cli.process import LocalAws
from statemachines.deploy.stack import deploy_stack
from statemachines.generation.files import ALARMS, ROOT
from tests.common.detection.drift.test_drift import DRIFT, NAMES, rows
from tests.factories import SPEC
from tests.localaws.processes.test_metrics import create_job, run_job
from tests.localaws.running import ROLE, create_table, wait_for, write_step

PREFIX = "al-"
SECONDS = 12
"""The period of the alarms, instead of minutes."""
ENDS = {
    "Failed": ("sfn_ndr_handover", {"Type": "Fail", "Error": "Test.Failed", "Cause": "the disk is full"}),
    "TimedOut": ("sfn_customer_360", {"Type": "Wait", "Seconds": 6000, "End": True}),
    "Aborted": ("sfn_ndr_start_project", {"Type": "Wait", "Seconds": 60000, "End": True}),
}
LOGGED = ("late-window", "ndr-delta-rejects", "score-drift")
"""Alarms of what run reports say, and of a table."""
THROTTLED = "batch_index-throttled-Write"
GLUE_JOB = "c360-clean"
pytestmark = pytest.mark.slow


def reports() -> list[str]:
    """Run reports as jobs log them: of a window that is late, of many rejects, and of scores that have moved."""
    now = datetime.now(UTC)
    matrix, raw = rows(6000, 1)
    monitor = DriftMonitor(DriftReference.fit(matrix, raw, NAMES, SPEC, DRIFT), NAMES, DRIFT)
    monitor.add(*rows(3000, 2, factor=3.0))
    moved = monitor.details(TrainingParameters(), "acme", "v1", 96, now)
    begun = now - timedelta(minutes=40)
    begun -= timedelta(minutes=(begun.minute - 8) % 15)  # it ended 25 minutes ago, or up to 15 more
    late = RunReport("ndr-join", project_name="acme", window=f"{begun:%Y-%m-%dT%H:%MZ}")
    rejecting = RunReport("ndr-delta", project_name="acme", rows_in=100, rows_out=98, rows_rejected=2)
    scored = RunReport("ndr-inference", project_name="acme", details=moved)
    return [report.to_json() for report in (late, rejecting, scored)]


def throttle(local: LocalAws) -> None:
    """Writes more into a table than it may take."""
    dynamodb = local.client("dynamodb")
    create_table(local, "al-batch_index", "key")
    dynamodb.update_table(TableName="al-batch_index", OnDemandThroughput={"MaxWriteRequestUnits": 1})
    requests = [{"PutRequest": {"Item": {"key": {"S": str(number)}}}} for number in range(2)]
    with pytest.raises(ClientError, match="ThrottlingException"):
        dynamodb.batch_write_item(RequestItems={"al-batch_index": requests})


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


def test_each_alarm_goes_off_and_is_over(alarmed: LocalAws, step_bin: Path) -> None:
    wait_for(lambda: set(states(alarmed).values()) == {"OK"})
    sqs = alarmed.client("sqs")
    dead = sqs.create_queue(QueueName="al-ndr-ingestion-dlq")["QueueUrl"]
    sqs.send_message(QueueUrl=dead, MessageBody="dead")
    say = f"from {__name__} import reports; print(*reports(), sep='\\n')"
    write_step(step_bin, "ndr-glue-quick", f"cd '{ROOT}' && {VARIABLE}=al-ndr exec '{sys.executable}' -c \"{say}\"")
    assert run_job(alarmed, create_job(alarmed, "glue-quick")) == "SUCCEEDED"
    write_step(step_bin, "ndr-glue-fail", "exit 1")
    assert run_job(alarmed, create_job(alarmed, "glue-fail", f"al-ndr-{GLUE_JOB}")) == "FAILED"
    throttle(alarmed)
    runs = end_badly(alarmed)
    expected = {
        *LOGGED,
        THROTTLED,
        f"{GLUE_JOB}-failed",
        "ingestion-dlq-not-empty",
        *(f"{name}-{end}" for end, (name, _) in ENDS.items()),
    }
    gone_off: set[str] = set()

    def all_have_gone_off() -> bool:
        gone_off.update(name for name, state in states(alarmed).items() if state == "ALARM")
        return gone_off >= expected

    with suppress(AssertionError):  # the comparison says which have not
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
