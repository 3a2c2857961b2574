"""Pipelines created, updated and compared in SageMaker, as moto's server answers."""

from __future__ import annotations

import json
import re
import socket
from typing import Any

import pytest

from pipelines.definitions import load, names
from pipelines.deployment import request_token
from pipelines.metrics import with_metrics
from tests.pipelines.conftest import REGISTRY, TAG, Run, moto
from tests.pipelines.resolution import ROLE

OTHER_ROLE = "arn:aws:iam::123456789012:role/ndr-other"
ONE = ("--only", "ndr-delta-builder")
IMAGES = f"images: {REGISTRY}, tag {TAG} (last push)"
pytestmark = [pytest.mark.usefixtures("pushed"), pytest.mark.slow]


def deployed(sagemaker: Any, name: str) -> dict[str, Any]:
    definition: dict[str, Any] = json.loads(sagemaker.describe_pipeline(PipelineName=name)["PipelineDefinition"])
    return definition


def default(definition: dict[str, Any], name: str) -> Any:
    [found] = [entry for entry in definition["Parameters"] if entry["Name"] == name]
    return found.get("DefaultValue")


def test_all_are_created_and_a_second_run_changes_nothing(sagemaker: Any, run: Run) -> None:
    first = run("upsert", "--role-arn", ROLE, "--tag", "owner=soc")
    assert first.exit_code == 0, first.output
    assert first.output.splitlines() == [IMAGES, *(f"{name}: created" for name in names())]
    states = {name: sagemaker.describe_pipeline(PipelineName=name) for name in names()}
    assert {state["RoleArn"] for state in states.values()} == {ROLE}
    tags = sagemaker.list_tags(ResourceArn=states["ndr-if-training"]["PipelineArn"])["Tags"]
    assert tags == [{"Key": "owner", "Value": "soc"}]

    second = run("upsert", "--role-arn", ROLE)
    assert second.output.splitlines() == [IMAGES, *(f"{name}: unchanged" for name in names())]
    for name, state in states.items():
        assert sagemaker.describe_pipeline(PipelineName=name)["LastModifiedTime"] == state["LastModifiedTime"]


def test_a_created_pipeline_is_the_committed_one_with_its_role_and_images(sagemaker: Any, run: Run) -> None:
    run("upsert", *ONE, "--role-arn", ROLE)
    found = deployed(sagemaker, "ndr-delta-builder")
    set_by_upsert = {"RoleArn": ROLE, "ImageRegistry": REGISTRY, "ImageTag": TAG}
    for entry in found["Parameters"]:
        if entry["Name"] in set_by_upsert:
            assert entry.pop("DefaultValue") == set_by_upsert[entry["Name"]]
    assert found == with_metrics(load("ndr-delta-builder"), "")
    assert found["Steps"][0]["Arguments"]["Environment"] == {"NDR_METRICS": "ndr"}


def test_the_order_of_keys_steps_and_parameters_is_no_difference(sagemaker: Any, run: Run) -> None:
    run("upsert", "--only", "ndr-if-training", "--role-arn", ROLE)
    found = deployed(sagemaker, "ndr-if-training")
    turned = {key: found[key] for key in reversed(found)}
    turned["Parameters"] = found["Parameters"][::-1]
    turned["Steps"] = found["Steps"][::-1]
    sagemaker.update_pipeline(PipelineName="ndr-if-training", PipelineDefinition=json.dumps(turned, indent=4))
    assert run("diff", "--only", "ndr-if-training", "--exit-code").output == f"{IMAGES}\nndr-if-training: unchanged\n"


def test_what_differs_is_named_and_put_right(sagemaker: Any, run: Run) -> None:
    run("upsert", *ONE, "--role-arn", ROLE)
    found = deployed(sagemaker, "ndr-delta-builder")
    for entry in found["Parameters"]:
        if entry["Name"] == "InstanceType":
            entry["DefaultValue"] = "ml.t3.medium"
    found["Parameters"].append({"Name": "Forgotten", "Type": "String"})
    found["Steps"][0]["Arguments"]["AppSpecification"]["ContainerEntrypoint"] = ["bash"]
    sagemaker.update_pipeline(PipelineName="ndr-delta-builder", PipelineDefinition=json.dumps(found))
    changes = [
        '  Parameters[Forgotten]: {"Name": "Forgotten", "Type": "String"} -> (absent)',
        '  Parameters[InstanceType].DefaultValue: "ml.t3.medium" -> "ml.m5.xlarge"',
        '  Steps[DeltaBuilderStep].Arguments.AppSpecification.ContainerEntrypoint[0]: "bash" -> "ndr-delta"',
    ]

    shown = run("diff", *ONE)
    assert shown.exit_code == 0
    assert sorted(shown.output.splitlines()) == [*changes, IMAGES, "ndr-delta-builder: different"]
    assert run("diff", *ONE, "--exit-code").exit_code == 1
    tried = run("upsert", *ONE, "--dry-run")
    assert sorted(tried.output.splitlines()) == [*changes, IMAGES, "ndr-delta-builder: would be updated"]
    assert deployed(sagemaker, "ndr-delta-builder") == found

    updated = run("upsert", *ONE)
    assert sorted(updated.output.splitlines()) == [*changes, IMAGES, "ndr-delta-builder: updated"]
    assert run("diff", *ONE, "--exit-code").output == f"{IMAGES}\nndr-delta-builder: unchanged\n"


def test_another_role(sagemaker: Any, run: Run, environment: pytest.MonkeyPatch) -> None:
    run("upsert", *ONE, "--role-arn", ROLE)
    environment.setenv("NDR_PIPELINE_ROLE_ARN", OTHER_ROLE)
    assert run("upsert", *ONE).output.splitlines() == [
        IMAGES,
        "ndr-delta-builder: updated",
        f'  RoleArn: "{ROLE}" -> "{OTHER_ROLE}"',
        f'  Parameters[RoleArn].DefaultValue: "{ROLE}" -> "{OTHER_ROLE}"',
    ]
    assert sagemaker.describe_pipeline(PipelineName="ndr-delta-builder")["RoleArn"] == OTHER_ROLE


def test_defaults_of_parameters(sagemaker: Any, run: Run) -> None:
    given = ("--default", "InstanceCount=4")
    assert run("upsert", *ONE, "--role-arn", ROLE, *given, "--default", f"RoleArn={OTHER_ROLE}").exit_code == 0
    found = deployed(sagemaker, "ndr-delta-builder")
    assert default(found, "InstanceCount") == 4
    assert default(found, "RoleArn") == OTHER_ROLE
    assert run("upsert", *ONE, *given).output.splitlines() == [
        IMAGES,
        "ndr-delta-builder: updated",
        f'  Parameters[RoleArn].DefaultValue: "{OTHER_ROLE}" -> "{ROLE}"',
    ]


def test_steps_are_attached_to_the_vpc_and_stay_in_it(sagemaker: Any, run: Run) -> None:
    vpc = ("--subnet", "subnet-1", "--subnet", "subnet-2", "--security-group", "sg-1")
    wanted = {"VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1", "subnet-2"]}}
    training = ("--only", "ndr-if-training")
    run("upsert", *training, "--role-arn", ROLE)
    assert not [step for step in deployed(sagemaker, "ndr-if-training")["Steps"] if "NetworkConfig" in str(step)]
    assert run("upsert", *training, *vpc).exit_code == 0
    steps = deployed(sagemaker, "ndr-if-training")["Steps"]
    assert [step["Arguments"]["NetworkConfig"] for step in steps] == [wanted] * len(steps)
    assert len(steps) > 1
    assert run("upsert", *training).output == f"{IMAGES}\nndr-if-training: unchanged\n"
    half = run("upsert", *training, "--subnet", "subnet-1")
    assert (half.exit_code, "--subnet and --security-group need each other" in half.output) == (2, True)


def test_what_is_not_json_is_replaced(sagemaker: Any, run: Run) -> None:
    sagemaker.create_pipeline(
        PipelineName="ndr-delta-builder", PipelineDefinition="by hand", RoleArn=ROLE, ClientRequestToken="t" * 32
    )
    updated = run("upsert", *ONE).output
    assert updated.startswith(f'{IMAGES}\nndr-delta-builder: updated\n  definition: "by hand" -> {{"')
    assert deployed(sagemaker, "ndr-delta-builder")["Steps"][0]["Name"] == "DeltaBuilderStep"


def test_dry_run_and_diff_create_nothing(sagemaker: Any, run: Run) -> None:
    assert run("upsert", *ONE, "--dry-run").output == f"{IMAGES}\nndr-delta-builder: would be created\n"
    assert run("diff", *ONE).output == f"{IMAGES}\nndr-delta-builder: not deployed\n"
    assert run("diff", *ONE, "--exit-code").exit_code == 1
    assert sagemaker.list_pipelines()["PipelineSummaries"] == []


def test_the_token_of_a_request_follows_from_it() -> None:
    request = {"PipelineName": "a", "RoleArn": ROLE}
    assert request_token(request) == request_token(dict(reversed(request.items())))
    assert request_token(request) != request_token({**request, "PipelineName": "b"})
    assert re.fullmatch(r"[a-zA-Z0-9-]{32,128}", request_token(request))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--only", "ndr-nothing"], "'ndr-nothing' is not a pipeline. Choose one of ndr-15m-streaming, "),
        (["--role-arn", "ndr"], "'ndr' is not the ARN of a role. Use the form arn:aws:iam::"),
        (["--default", "ImageTag"], "'ImageTag' is not an assignment. Use the form NAME=VALUE"),
        (["--default", "Colour=red"], "there is no parameter Colour. Choose one of "),
        (["--default", "InstanceCount=two"], "parameter InstanceCount cannot be 'two'. Give a whole number"),
        (["--default", "Engine=flink"], "parameter Engine cannot be 'flink'. Choose one of sail, spark"),
        (["--default", f"ImageTag={'9' * 1025}"], "has 1025 characters, but SageMaker accepts at most 1024"),
    ],
)
def test_wrong_arguments(sagemaker: Any, run: Run, arguments: list[str], words: str) -> None:
    for command in ("upsert", "diff"):
        result = run(command, *arguments)
        assert result.exit_code == 2
        assert words in " ".join(result.stderr.split())
    assert sagemaker.list_pipelines()["PipelineSummaries"] == []


def failed(run: Run, *arguments: str) -> str:
    """The one line on stderr of a command that fails, besides events."""
    result = run(*arguments)
    assert result.exit_code == 1, result.output
    [line] = (line for line in result.stderr.splitlines() if not line.startswith('{"time": '))
    assert line.startswith("error: ")
    return line


def test_no_role_to_create_with(sagemaker: Any, run: Run) -> None:
    line = failed(run, "upsert")
    assert "does not exist yet, and no role" in line
    assert "--role-arn or NDR_PIPELINE_ROLE_ARN" in line


def test_no_server(environment: pytest.MonkeyPatch, run: Run) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    environment.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    environment.setenv("AWS_ACCESS_KEY_ID", "test")
    environment.setenv("AWS_SECRET_ACCESS_KEY", "test")
    line = failed(run, "diff", *ONE)
    assert f"http://127.0.0.1:{port}" in line
    assert "AWS_ENDPOINT_URL" in line


def test_no_credentials(sagemaker: Any, environment: pytest.MonkeyPatch, run: Run) -> None:
    environment.delenv("AWS_ACCESS_KEY_ID")
    environment.delenv("AWS_SECRET_ACCESS_KEY")
    assert "Unable to locate credentials. Check the credentials" in failed(run, "upsert", *ONE, "--role-arn", ROLE)


def test_credentials_that_are_refused(sagemaker: Any, moto_server: str, run: Run) -> None:
    moto(moto_server, "reset-auth", b"0")
    try:
        line = failed(run, "upsert", *ONE, "--role-arn", ROLE)
    finally:
        moto(moto_server, "reset-auth", b"inf")
    assert "pipeline ndr-delta-builder could not be looked up: 403: " in line
    assert "InvalidClientTokenId" in line
    assert "Check the credentials, their permissions" in line
