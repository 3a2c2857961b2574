"""The committed definitions: which steps run in which order, on what, and with which parameters."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import boto3
import pytest
from botocore.validate import ParamValidator

from common.runtime.catalog import STAGES
from pipelines.catalog import PIPELINES, options_of
from pipelines.definitions import FOLDER, load, names, to_text
from tests.pipelines.resolution import ROLE, command_line, referenced, step_cases

RETRIED = {
    "Step.THROTTLING",
    "Step.SERVICE_FAULT",
    "SageMaker.RESOURCE_LIMIT",
    "SageMaker.CAPACITY_ERROR",
    "SageMaker.JOB_INTERNAL_ERROR",
}
# what every start must say; all else has a default, that of role and images from upsert
REQUIRED = {
    "ndr-15m-streaming": {"MiniBatchId", "BatchStartTsIso", "BatchEndTsIso", "BatchS3Path"},
    "ndr-15m-streaming-fused": {"MiniBatchId", "BatchStartTsIso", "BatchEndTsIso", "BatchS3Path"},
    "ndr-inference-predictions": {"MiniBatchId", "BatchStartTsIso", "BatchEndTsIso"},
    "ndr-prediction-feature-join": {"MiniBatchId", "BatchStartTsIso", "BatchEndTsIso"},
    "ndr-machine-inventory-unload": {"InventoryMonth"},
    "ndr-fg-b-baseline": {"BaselineMonth", "ReferenceTimeIso"},
    "ndr-if-training": {"TrainingStartTsIso", "TrainingEndTsIso", "TrainingRunId", "BackfillStateMachineArn"},
    "ndr-backfill-historical-extractor": {
        "RequestId",
        "RangeStartTsIso",
        "RangeEndTsIso",
        "InputPrefix",
        "ManifestUri",
    },
    "ndr-delta-builder": {"MiniBatchId", "BatchStartTsIso", "BatchEndTsIso", "BatchS3Path"},
}


def test_each_pipeline_of_the_catalog_has_a_definition() -> None:
    assert names() == sorted(PIPELINES), "run make pipelines-definitions"


@pytest.mark.parametrize("name", PIPELINES)
def test_steps_run_as_the_catalog_lists_them(name: str) -> None:
    found = load(name)["Steps"]
    wanted = [step.name for step in PIPELINES[name].steps]
    assert [step["Name"] for step in found] == wanted, "run make pipelines-definitions"
    assert [step.get("DependsOn", []) for step in found] == [[], *([before] for before in wanted[:-1])]
    for step, row in zip(found, PIPELINES[name].steps, strict=True):
        command, *arguments = command_line(step)
        assert (command, arguments[::2]) == (row.command, list(options_of(row)))


@pytest.mark.parametrize("name", PIPELINES)
def test_resources_are_those_of_the_catalog(name: str) -> None:
    definition = load(name)
    defaults = {entry["Name"]: entry.get("DefaultValue") for entry in definition["Parameters"]}
    for step, row in zip(definition["Steps"], PIPELINES[name].steps, strict=True):
        parameters = (row.resources or PIPELINES[name].resources).parameters
        arguments = step["Arguments"]
        used = {**arguments["ProcessingResources"]["ClusterConfig"], **arguments["StoppingCondition"]}
        assert {value["Get"] for value in used.values()} == {f"Parameters.{entry.name}" for entry in parameters}
        assert all(defaults[parameter.name] == parameter.default for parameter in parameters)


@pytest.mark.parametrize("name", PIPELINES)
def test_parameters_are_declared_once_and_used(name: str) -> None:
    definition = load(name)
    declared = Counter(parameter["Name"] for parameter in definition["Parameters"])
    assert set(declared.values()) == {1}
    assert set(declared) == set(referenced(definition["Steps"]))


@pytest.mark.parametrize("name", REQUIRED)
def test_parameters_without_a_default(name: str) -> None:
    without = {entry["Name"] for entry in load(name)["Parameters"] if "DefaultValue" not in entry}
    assert without == REQUIRED[name] | {"ProjectName", "LakeUri", "ImageRegistry", "ImageTag", "RoleArn"}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "step"), step_cases())
def test_each_step_is_a_processing_job_of_its_stage(name: str, step: dict[str, Any]) -> None:
    command, *_ = command_line(step)
    assert step["Type"] == "Processing"
    assert command in {stage.command for stage in STAGES}
    request = step["Arguments"]
    image = request["AppSpecification"]["ImageUri"]
    assert image == f"123456789012.dkr.ecr.eu-central-1.amazonaws.com/{command}:1.4.0"
    assert request["RoleArn"] == ROLE
    shape = (
        boto3.client("sagemaker", "eu-central-1").meta.service_model.operation_model("CreateProcessingJob").input_shape
    )
    report = ParamValidator().validate({**request, "ProcessingJobName": "job"}, shape)
    assert not report.has_errors(), report.generate_report()
    longest = shape.members["AppSpecification"].members["ContainerArguments"].member.metadata["max"]
    assert max(map(len, command_line(step))) <= longest


@pytest.mark.parametrize(("name", "step"), step_cases())
def test_steps_are_repeated_for_faults_of_sagemaker_only(name: str, step: dict[str, Any]) -> None:
    policies = step["RetryPolicies"]
    assert Counter(kind for policy in policies for kind in policy["ExceptionType"]) == Counter(RETRIED)
    assert all(1 <= policy["MaxAttempts"] <= 10 and policy["BackoffRate"] >= 1.5 for policy in policies)


@pytest.mark.parametrize("name", PIPELINES)
def test_definitions_hold_nothing_of_an_account_or_a_machine(name: str) -> None:
    text = (FOLDER / f"{name}.json").read_text()
    assert text == to_text(load(name))
    assert not re.search(r"\d{12}|arn:aws|/tmp|/home|/root|/work", text)
