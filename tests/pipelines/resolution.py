"""Definitions with the values of their parameters put in, as SageMaker does when an execution starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from pipelines.definitions import Definition, load, names

ROLE = "arn:aws:iam::123456789012:role/ndr-pipeline-steps"
VALUES: dict[str, str] = {
    "ProjectName": "acme",
    "FeatureSpecVersion": "v1",
    "LakeUri": "s3://acme-lake/ndr",
    "ParametersUri": "dynamodb://project_parameters",
    "Engine": "spark",
    "ImageRegistry": "123456789012.dkr.ecr.eu-central-1.amazonaws.com",
    "ImageTag": "1.4.0",
    "RoleArn": ROLE,
    "InstanceType": "ml.r5.xlarge",
    "RemediationInstanceType": "ml.t3.small",
    "MiniBatchId": "00f422eb31da2d93",
    "BatchStartTsIso": "2026-03-10T13:08:00Z",
    "BatchEndTsIso": "2026-03-10T13:23:00Z",
    "BatchS3Path": "s3://acme-ingest/acme/hq/2026/03/10/00f422eb31da2d93",
    "BaselineMonth": "2026-03",
    "FirstStage": "fg-a",
    "LastStage": "fg-c",
    "StagedJoin": "00f422eb31da2d93",
    "PublicationTarget": "redshift",
    "InventoryMonth": "2026-03",
    "ReferenceTimeIso": "2026-03-01T00:00:00Z",
    "TrainingStartTsIso": "2026-02-10T00:08:00Z",
    "TrainingEndTsIso": "2026-03-10T00:08:00Z",
    "TrainingRunId": "if-1f0a6a1b2c3d4e5f",
    "MissingWindows": "20260301T1308Z,20260302T0023Z",
    "BackfillStateMachineArn": "arn:aws:states:eu-central-1:123456789012:stateMachine:backfill:live",
    "RequestId": "march-outage",
    "RangeStartTsIso": "2026-03-01T00:08:00Z",
    "RangeEndTsIso": "2026-03-03T00:08:00Z",
    "InputPrefix": "s3://acme-ingest/acme/hq",
    "WindowsFilter": "20260301T1308Z,20260302T0023Z",
    "ManifestUri": "s3://acme-artifacts/backfill/march-outage",
    "CandidateSource": "index",
    "PageUri": "s3://acme-artifacts/page/acme/",
    "Channel": "soc",
}
EXECUTION_ARN = "Execution.PipelineExecutionArn"
EXECUTION = "arn:aws:sagemaker:eu-central-1:123456789012:pipeline/ndr-if-training/execution/0123456789ab"


def resolve(node: Any, values: Mapping[str, Any]) -> Any:
    """The node with each `Get` and `Std:Join` replaced by its value."""
    if isinstance(node, list):
        return [resolve(item, values) for item in node]
    if not isinstance(node, dict):
        return node
    if set(node) == {"Get"}:
        return EXECUTION if node["Get"] == EXECUTION_ARN else values[node["Get"].removeprefix("Parameters.")]
    if set(node) == {"Std:Join"}:
        return node["Std:Join"]["On"].join(resolve(node["Std:Join"]["Values"], values))
    return {key: resolve(value, values) for key, value in node.items()}


def values_of(definition: Definition, with_defaults: bool) -> dict[str, Any]:
    """A value of each declared parameter: its default if there is one and it is wanted, else that of `VALUES`."""
    return {
        entry["Name"]: entry["DefaultValue"] if with_defaults and "DefaultValue" in entry else typed_value(entry)
        for entry in definition["Parameters"]
    }


def typed_value(declared: dict[str, Any]) -> str | int:
    return 2 if declared["Type"] == "Integer" else VALUES[declared["Name"]]


def steps(with_defaults: bool = False) -> Iterator[tuple[str, dict[str, Any]]]:
    """The name of each pipeline with each of its steps, resolved."""
    for name in names():
        definition = load(name)
        for step in definition["Steps"]:
            yield name, resolve(step, values_of(definition, with_defaults))


def step_cases(with_defaults: bool = False) -> list[Any]:
    """The resolved steps as the parameters `name` and `step` of a test."""
    return [pytest.param(name, step, id=f"{name}-{step['Name']}") for name, step in steps(with_defaults)]


def command_line(step: dict[str, Any]) -> list[str]:
    """What the container of a resolved step runs."""
    application = step["Arguments"]["AppSpecification"]
    return [*application["ContainerEntrypoint"], *application["ContainerArguments"]]


def referenced(node: Any) -> Iterator[str]:
    """The names of the parameters that a definition's steps refer to; their execution is none."""
    if isinstance(node, list):
        for item in node:
            yield from referenced(item)
    elif isinstance(node, dict):
        if set(node) == {"Get"} and node["Get"] != EXECUTION_ARN:
            yield node["Get"].removeprefix("Parameters.")
        for value in node.values():
            yield from referenced(value)
