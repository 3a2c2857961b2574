"""Executions that are started with checked parameters."""

from __future__ import annotations

from typing import Any

import pytest

from tests.pipelines.conftest import Run
from tests.pipelines.resolution import ROLE, VALUES

GIVEN = {
    name: VALUES[name]
    for name in ("ProjectName", "LakeUri", "MiniBatchId", "BatchStartTsIso", "BatchEndTsIso", "BatchS3Path")
}
pytestmark = [pytest.mark.usefixtures("pushed"), pytest.mark.slow]


def options(given: dict[str, str]) -> list[str]:
    return [word for name, value in given.items() for word in ("--parameter", f"{name}={value}")]


def test_start_passes_the_parameters(sagemaker: Any, run: Run) -> None:
    run("upsert", "--only", "ndr-delta-builder", "--role-arn", ROLE)
    result = run("start", "ndr-delta-builder", *options({**GIVEN, "InstanceCount": "2"}))
    assert result.exit_code == 0, result.output
    [execution] = sagemaker.list_pipeline_executions(PipelineName="ndr-delta-builder")["PipelineExecutionSummaries"]
    assert result.stdout == execution["PipelineExecutionArn"] + "\n"
    listed = sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=result.stdout.strip())
    passed = {entry["Name"]: entry["Value"] for entry in listed["PipelineParameters"]}
    assert passed == {**GIVEN, "InstanceCount": "2"}


def test_wrong_parameters_start_nothing(sagemaker: Any, run: Run) -> None:
    run("upsert", "--only", "ndr-delta-builder", "--role-arn", ROLE)
    without = {name: value for name, value in GIVEN.items() if name not in ("LakeUri", "BatchS3Path")}
    for given, words in (
        (without, "needs values for LakeUri, BatchS3Path. Give them with --parameter LakeUri=... --parameter BatchS3"),
        ({**GIVEN, "Batch": "x"}, "there is no parameter Batch. Choose one of BatchEndTsIso, "),
        ({**GIVEN, "InstanceCount": "some"}, "parameter InstanceCount cannot be 'some'. Give a whole number"),
        ({**GIVEN, "Engine": "flink"}, "parameter Engine cannot be 'flink'. Choose one of sail, spark"),
    ):
        result = run("start", "ndr-delta-builder", *options(given))
        assert result.exit_code == 1
        assert words in result.stderr
    assert sagemaker.list_pipeline_executions(PipelineName="ndr-delta-builder")["PipelineExecutionSummaries"] == []


def test_a_pipeline_that_is_not_deployed(sagemaker: Any, run: Run) -> None:
    result = run("start", "ndr-delta-builder", *options(GIVEN))
    assert result.exit_code == 1
    assert result.stderr == ("error: pipeline ndr-delta-builder is not deployed. Create it with ndr-pipelines upsert\n")
