"""Schedules invoke what AWS's invoke."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from localaws.cli.process import LocalAws
from tests.localaws.running import unique, wait_for
from tests.localaws.services.sagemaker.pipelines import ROLE, create, definition, step

pytestmark = pytest.mark.slow


def test_a_schedule_starts_a_pipeline_with_its_parameters(aws_environment: LocalAws) -> None:
    """It is due in a second; ministack looks every ten seconds."""
    local, scheduler = aws_environment, aws_environment.client("scheduler")
    declared = {"Name": "LakeUri", "Type": "String", "DefaultValue": "s3://other/lake"}
    name, schedule = create(local, definition(step("Upkeep"), parameters=(declared,))), unique("schedule")
    target = {
        "Arn": f"arn:aws:sagemaker:us-east-1:000000000000:pipeline/{name}",
        "RoleArn": ROLE,
        "SageMakerPipelineParameters": {"PipelineParameterList": [{"Name": "LakeUri", "Value": "s3://acme/lake"}]},
    }
    due = datetime.now(UTC) + timedelta(seconds=1)
    scheduler.create_schedule(
        Name=schedule, ScheduleExpression=f"at({due:%Y-%m-%dT%H:%M:%S})", Target=target,
        FlexibleTimeWindow={"Mode": "OFF"},
    )  # fmt: skip
    client = local.client("sagemaker")

    def started() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = client.list_pipeline_executions(PipelineName=name)["PipelineExecutionSummaries"]
        return found

    (execution,) = wait_for(started, 30)
    given = client.list_pipeline_parameters_for_execution(PipelineExecutionArn=execution["PipelineExecutionArn"])
    assert given["PipelineParameters"] == [{"Name": "LakeUri", "Value": "s3://acme/lake"}]
    scheduler.delete_schedule(Name=schedule)
