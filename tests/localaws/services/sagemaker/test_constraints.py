"""What SageMaker's own model refuses: the arguments of a step once they are resolved, and values of parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.cli.process import LocalAws
from tests.localaws.running import write_step
from tests.localaws.services.sagemaker.pipelines import definition, log_of, run, step

LONG = "x" * 257
NOT_CREATED = (
    "ClientError: Failed to invoke sagemaker:CreateProcessingJob. Error Details: 1 validation error detected: "
)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"ContainerArguments": ["--pairs", {"Get": "Parameters.Pairs"}]},
            f"Value '[--pairs, {LONG}]' at 'appSpecification.containerArguments' failed to satisfy constraint: Member "
            "must satisfy constraint: [Member must have length less than or equal to 256, Member must have length "
            "greater than or equal to 0, Member must satisfy regular expression pattern: .*]",
        ),
        (
            {"ContainerArguments": ["x"] * 101},
            f"Value '[{', '.join(['x'] * 101)}]' at 'appSpecification.containerArguments' failed to satisfy "
            "constraint: Member must have length less than or equal to 100",
        ),
        ({"ContainerArguments": ["a\nb"]}, "Value '[a\nb]' at 'appSpecification.containerArguments'"),
    ],
)
def test_arguments_that_sagemaker_refuses_fail_the_step_once_they_are_resolved(
    local_aws: LocalAws, step_bin: Path, changes: dict[str, Any], message: str
) -> None:
    write_step(step_bin, "ndr-quick", "true")
    item = step("A", "ndr-quick", "x")
    item["Arguments"]["AppSpecification"] |= changes
    text = definition(item, parameters=({"Name": "Pairs", "Type": "String", "DefaultValue": "short"},))
    done = run(local_aws, text, Pairs=LONG)
    assert done["PipelineExecutionStatus"] == "Failed"
    assert done["Steps"]["A"]["FailureReason"].startswith(NOT_CREATED + message)


def test_as_much_as_sagemaker_takes_is_passed(local_aws: LocalAws, step_bin: Path) -> None:
    write_step(step_bin, "ndr-count", 'echo "$#"')
    done = run(local_aws, definition(step("A", "ndr-count", *["x" * 256] * 100)))
    assert log_of(local_aws, done["PipelineExecutionArn"], "A").strip() == "100"


def test_a_job_that_lacks_what_sagemaker_needs_fails_the_step(local_aws: LocalAws, step_bin: Path) -> None:
    write_step(step_bin, "ndr-quick", "true")
    done = run(
        local_aws, definition(step("A", "ndr-quick", ProcessingResources={"ClusterConfig": {"InstanceCount": 0}}))
    )
    reason = done["Steps"]["A"]["FailureReason"]
    for message in (
        "Value null at 'processingResources.clusterConfig.volumeSizeInGB' failed to satisfy constraint: Member must "
        "not be null",
        "Value '0' at 'processingResources.clusterConfig.instanceCount' failed to satisfy constraint: Member must have "
        "value greater than or equal to 1",
    ):
        assert message in reason


def test_values_of_parameters_have_at_most_1024_characters(local_aws: LocalAws, step_bin: Path) -> None:
    write_step(step_bin, "ndr-quick", "true")
    text = definition(step("A", "ndr-quick"), parameters=({"Name": "Text", "Type": "String", "DefaultValue": ""},))
    assert run(local_aws, text, Text="x" * 1024)["PipelineExecutionStatus"] == "Succeeded"
    with pytest.raises(ClientError) as caught:
        run(local_aws, text, Text="x" * 1025)
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationException"
    assert error["Message"].endswith(
        "at 'pipelineParameters.1.member.value' failed to satisfy constraint: Member must have length less than or "
        "equal to 1024"
    )
