"""The model registry of the local AWS answers in SageMaker's shapes, and keeps what it has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.cli.process import LocalAws
from tests.localaws.running import Started, unique

SPECIFICATION = {"Containers": [{"Image": "registry/serving:1", "ModelDataUrl": "s3://bucket/model.tar.gz"}]}
NOT_OF_VERSIONS = ("ModelPackageName",)
"""Required by the shapes, but versions of a group have a number in place of a name."""
Request = dict[str, Any]


@pytest.fixture
def sagemaker(local_aws: LocalAws) -> Any:
    """A client that checks each answer against the shapes of the SDK, in which it would drop what it does not know."""
    client = local_aws.client("sagemaker")

    def check(response_dict: Request, operation_model: Any, **_: Any) -> None:
        if response_dict["status_code"] == 200 and operation_model.output_shape is not None:
            wrong = list(differing(json.loads(response_dict["body"]), operation_model.output_shape))
            assert not wrong, wrong

    client.meta.events.register("before-parse.sagemaker.*", check)
    return client


def differing(value: Any, shape: Any, path: str = "") -> Iterator[str]:
    """Members that the shape does not have, those that it requires and that are missing, and those of other types."""
    if shape.type_name == "structure":
        yield from (f"{path}.{name} is unknown" for name in value if name not in shape.members)
        needed = [name for name in shape.required_members if name not in NOT_OF_VERSIONS]
        yield from (f"{path}.{name} is missing" for name in needed if name not in value)
        for name in shape.members.keys() & value.keys():
            yield from differing(value[name], shape.members[name], f"{path}.{name}")
    elif shape.type_name == "list":
        for entry in value:
            yield from differing(entry, shape.member, f"{path}[]")
    elif shape.type_name == "string":
        if not isinstance(value, str) or (shape.enum and value not in shape.enum):
            yield f"{path} is {value!r}"
    elif shape.type_name in ("integer", "long", "timestamp", "float") and not isinstance(value, int | float):
        yield f"{path} is {value!r}"


def package(group: str, **members: Any) -> Request:
    return {"ModelPackageGroupName": group, "InferenceSpecification": SPECIFICATION} | members


def group_of(sagemaker: Any) -> str:
    name = unique("ndr-group")
    sagemaker.create_model_package_group(ModelPackageGroupName=name, ModelPackageGroupDescription="models")
    return name


def test_groups_are_created_listed_and_deleted_when_they_are_empty(sagemaker: Any) -> None:
    name = group_of(sagemaker)
    with pytest.raises(ClientError, match="already exists"):
        sagemaker.create_model_package_group(ModelPackageGroupName=name)
    described = sagemaker.describe_model_package_group(ModelPackageGroupName=name)
    assert described["ModelPackageGroupStatus"] == "Completed"
    listed = sagemaker.list_model_package_groups(NameContains=name)["ModelPackageGroupSummaryList"]
    assert [entry["ModelPackageGroupArn"] for entry in listed] == [described["ModelPackageGroupArn"]]
    arn = sagemaker.create_model_package(**package(name))["ModelPackageArn"]
    with pytest.raises(ClientError, match="ConflictException"):
        sagemaker.delete_model_package_group(ModelPackageGroupName=name)
    sagemaker.delete_model_package(ModelPackageName=arn)
    sagemaker.delete_model_package_group(ModelPackageGroupName=name)
    with pytest.raises(ClientError, match="does not exist"):
        sagemaker.describe_model_package_group(ModelPackageGroupName=name)


def test_versions_are_numbered_and_a_repeated_token_makes_none(sagemaker: Any) -> None:
    name = group_of(sagemaker)
    arns = [sagemaker.create_model_package(**package(name, ClientToken=token))["ModelPackageArn"] for token in "aab"]
    assert [arn.rpartition("/")[2] for arn in arns] == ["1", "1", "2"]
    sagemaker.delete_model_package(ModelPackageName=arns[2])
    assert sagemaker.create_model_package(**package(name))["ModelPackageArn"].endswith(f"{name}/3")
    summaries = sagemaker.list_model_packages(ModelPackageGroupName=name)["ModelPackageSummaryList"]
    assert [entry["ModelPackageVersion"] for entry in summaries] == [3, 1]


def test_a_version_shows_what_it_was_made_of_and_its_approval(sagemaker: Any) -> None:
    name = group_of(sagemaker)
    metrics = {"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": "s3://bucket/report.json"}}}
    given = {
        "ModelPackageDescription": "if-1",
        "ModelMetrics": metrics,
        "CustomerMetadataProperties": {"run_id": "if-1"},
    }
    arn = sagemaker.create_model_package(**package(name, **given))["ModelPackageArn"]
    found = sagemaker.describe_model_package(ModelPackageName=arn)
    assert {member: found[member] for member in given} == given
    assert (found["ModelApprovalStatus"], found["ModelPackageStatus"]) == ("PendingManualApproval", "Completed")
    sagemaker.update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus="Rejected", ApprovalDescription="rolled back: too many alerts",
        CustomerMetadataProperties={"by": "jane"}, CustomerMetadataPropertiesToRemove=["run_id"],
    )  # fmt: skip
    found = sagemaker.describe_model_package(ModelPackageName=arn)
    assert (found["ModelApprovalStatus"], found["ApprovalDescription"]) == ("Rejected", "rolled back: too many alerts")
    assert found["CustomerMetadataProperties"] == {"by": "jane"}
    assert sagemaker.list_model_packages(ModelPackageGroupName=name, ModelApprovalStatus="Approved")[
        "ModelPackageSummaryList"
    ] == []  # fmt: skip


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"ModelPackageGroupName": "nowhere", "InferenceSpecification": SPECIFICATION}, "does not exist"),
        ({"ModelPackageName": "alone"}, "without a group are not supported"),
        ({}, "Containers is required"),
        (
            {"InferenceSpecification": SPECIFICATION, "ModelApprovalStatus": "Perhaps"},
            r"enum value set: \[Approved, Rejected, PendingManualApproval\]",
        ),
    ],
)
def test_what_sagemaker_refuses_is_refused(sagemaker: Any, request_: Request, message: str) -> None:
    named = {} if "ModelPackageName" in request_ else {"ModelPackageGroupName": group_of(sagemaker)}
    with pytest.raises(ClientError, match=message) as caught:
        sagemaker.create_model_package(**(named | request_))
    assert caught.value.response["Error"]["Code"] == "ValidationException"


@pytest.mark.slow
def test_groups_and_versions_outlive_the_server(start_local_aws: Started) -> None:
    local = start_local_aws()
    client = local.client("sagemaker")
    name = group_of(client)
    arn = client.create_model_package(**package(name))["ModelPackageArn"]
    client.delete_model_package(ModelPackageName=client.create_model_package(**package(name))["ModelPackageArn"])
    local.stop()
    local.start()
    client = local.client("sagemaker")
    assert client.describe_model_package(ModelPackageName=arn)["InferenceSpecification"] == SPECIFICATION
    assert client.create_model_package(**package(name))["ModelPackageArn"].endswith("/3")
