"""Lines in the logs of steps become metrics, of which alarms go off, and over."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from localaws.cli.process import LocalAws
from tests.localaws.running import ROLE, unique, wait_for, write_step

HOSTILE = (
    '{"_aws": 1}',
    '{"_aws": {"Timestamp": "x", "CloudWatchMetrics": []}}',
    '{"_aws": {"Timestamp": 1, "CloudWatchMetrics": [{"Namespace": "n", "Dimensions": [["a"]], "Metrics": [{}]}]}}',
    '"_aws" \\xff',
)


def line(namespace: str, value: Any) -> str:
    directive = {"Namespace": namespace, "Dimensions": [["job", "project"], ["job"], []], "Metrics": [{"Name": "late"}]}
    about = {"Timestamp": round(time.time() * 1000), "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": about, "job": "ndr-say", "project": "acme", "late": value})


def run_job(local: LocalAws, name: str) -> str:
    """The state in which a run of a Glue job of that name ends, whose script is that of `ndr-glue-<name>`."""
    glue = local.client("glue")
    run = glue.start_job_run(JobName=name)["JobRunId"]
    ended = ("SUCCEEDED", "FAILED")
    return str(
        wait_for(
            lambda: (
                state
                if (state := glue.get_job_run(JobName=name, RunId=run)["JobRun"]["JobRunState"]) in ended
                else None
            )
        )
    )


def create_job(local: LocalAws, command: str, name: str = "") -> str:
    """The name of a new Glue job that runs `ndr-<command>`, and counts its runs that fail."""
    script = f"s3://code/ndr_{command.replace('-', '_')}.py"
    name, arguments = name or unique("metrics"), {"--enable-observability-metrics": "true"}
    local.client("glue").create_job(
        Name=name, Role=ROLE, Command={"Name": "glueetl", "ScriptLocation": script}, DefaultArguments=arguments
    )
    return name


def values(local: LocalAws, namespace: str, metric: str, **dimensions: str) -> list[float]:
    found = local.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=datetime.now(UTC) - timedelta(minutes=5),
        EndTime=datetime.now(UTC) + timedelta(minutes=5),
        Period=3600,
        Statistics=["Sum"],
    )
    return [point["Sum"] for point in found["Datapoints"]]


def state_of(local: LocalAws, alarm: str) -> str:
    (found,) = local.client("cloudwatch").describe_alarms(AlarmNames=[alarm])["MetricAlarms"]
    return str(found["StateValue"])


@pytest.mark.slow
def test_a_line_in_a_log_is_a_metric_of_its_dimensions_that_sets_an_alarm_off(
    local_aws: LocalAws, step_bin: Path
) -> None:
    namespace = unique("ndr")
    lines = [line(namespace, 1500), *HOSTILE, line(namespace, "many"), line(namespace, [1, 2])]
    write_step(step_bin, "ndr-glue-quick", "\n".join(f"printf '%b\\n' '{text}'" for text in lines))
    for project in ("acme", "umbrella"):
        local_aws.client("cloudwatch").put_metric_alarm(
            AlarmName=f"{namespace}-{project}",
            Namespace=namespace,
            MetricName="late",
            Dimensions=[{"Name": "job", "Value": "ndr-say"}, {"Name": "project", "Value": project}],
            Statistic="Maximum",
            Period=10,
            EvaluationPeriods=1,
            Threshold=1200,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="notBreaching",
        )
    assert run_job(local_aws, create_job(local_aws, "glue-quick")) == "SUCCEEDED"
    assert wait_for(lambda: values(local_aws, namespace, "late", job="ndr-say")) == [1503.0]
    assert values(local_aws, namespace, "late", job="ndr-say", project="acme") == [1503.0]
    assert values(local_aws, namespace, "late", job="other") == []
    wait_for(lambda: state_of(local_aws, f"{namespace}-acme") == "ALARM")
    assert state_of(local_aws, f"{namespace}-umbrella") == "OK"
    wait_for(lambda: state_of(local_aws, f"{namespace}-acme") == "OK")


@pytest.mark.slow
def test_a_run_of_glue_that_failed_is_counted(local_aws: LocalAws, step_bin: Path) -> None:
    write_step(step_bin, "ndr-glue-fail", "exit 1")
    name = create_job(local_aws, "glue-fail")
    assert run_job(local_aws, name) == "FAILED"
    of_all = {"JobRunId": "ALL", "Type": "count", "ObservabilityGroup": "error"}
    assert wait_for(lambda: values(local_aws, "Glue", "glue.error.ALL", JobName=name, **of_all)) == [1.0]
