"""Small pipelines, run to their end."""

from __future__ import annotations

import json
from typing import Any

from localaws.cli.process import LocalAws
from tests.localaws.running import unique, wait_for

ROLE = "arn:aws:iam::000000000000:role/test"
END = {"Succeeded", "Failed", "Stopped"}


def step(
    name: str, image: str = "step", *arguments: Any, after: tuple[str, ...] = (), **members: Any
) -> dict[str, Any]:
    """A processing step as the SageMaker SDK writes it."""
    given = {"ContainerArguments": list(arguments)} if arguments else {}
    specification = {"ImageUri": f"registry/{image}:1", **given}
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30}
    job = {"AppSpecification": specification, "RoleArn": ROLE, "ProcessingResources": {"ClusterConfig": cluster}}
    document = {"Name": name, "Type": "Processing", "Arguments": {**job, **members}}
    return {**document, "DependsOn": list(after)} if after else document


def definition(*steps: dict[str, Any], parameters: tuple[dict[str, Any], ...] = ()) -> str:
    """A pipeline definition."""
    return json.dumps({"Version": "2020-12-01", "Parameters": list(parameters), "Steps": list(steps)})


def create(local: LocalAws, text: str) -> str:
    """A new pipeline; its name."""
    name = unique("pipeline")
    local.client("sagemaker").create_pipeline(PipelineName=name, PipelineDefinition=text, RoleArn=ROLE)
    return name


def finish(local: LocalAws, execution: str, seconds: float = 30) -> dict[str, Any]:
    """The description of an execution when it has ended, with its steps under Steps."""
    client = local.client("sagemaker")

    def ended() -> dict[str, Any] | None:
        found: dict[str, Any] = client.describe_pipeline_execution(PipelineExecutionArn=execution)
        return found if found["PipelineExecutionStatus"] in END else None

    found = wait_for(ended, seconds)
    steps = client.list_pipeline_execution_steps(PipelineExecutionArn=execution, SortOrder="Ascending")
    found["Steps"] = {item["StepName"]: item for item in steps["PipelineExecutionSteps"]}
    return dict(found)


def run(local: LocalAws, text: str, **values: str) -> dict[str, Any]:
    """A pipeline of this definition, run to its end."""
    given = [{"Name": name, "Value": value} for name, value in values.items()]
    started = local.client("sagemaker").start_pipeline_execution(
        PipelineName=create(local, text), PipelineParameters=given
    )
    return finish(local, started["PipelineExecutionArn"])


def log_of(local: LocalAws, execution: str, name: str) -> str:
    """What a step of an execution has written."""
    pipeline, _, identifier = execution.partition(":pipeline/")[2].partition("/execution/")
    return (local.home / "logs" / pipeline / identifier / f"{name}.log").read_text()
