"""Which images pipelines get: those of the last push, those deployed or those given, and none that AWS cannot pull."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from pipelines.catalog import PIPELINES
from pipelines.definitions import load
from pipelines.deployment import with_defaults
from pipelines.images import PARAMETERS, choose, defaults_of, digest_of, is_local, record_push, remove_image, uris
from pipelines.metrics import with_metrics
from tests.pipelines.conftest import MANIFEST, REGISTRY, TAG, Run, moto
from tests.pipelines.resolution import ROLE

DELTA, JOIN = "ndr-delta-builder", "ndr-prediction-feature-join"
ONE = ("--only", DELTA, "--role-arn", ROLE)
BOTH = (*ONE, "--only", JOIN)
OTHER = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


def deployed_images(sagemaker: Any, name: str) -> tuple[str, ...]:
    values = defaults_of(json.loads(sagemaker.describe_pipeline(PipelineName=name)["PipelineDefinition"]))
    return tuple(values[parameter] for parameter in PARAMETERS)


def deploy(sagemaker: Any, name: str, registry: str, tag: str) -> None:
    """Deploys a pipeline as it is committed, with these images, whether AWS can pull them or not."""
    definition = with_defaults(
        with_metrics(load(name), ""), {"RoleArn": ROLE, "ImageRegistry": registry, "ImageTag": tag}
    )
    sagemaker.create_pipeline(
        PipelineName=name, PipelineDefinition=json.dumps(definition), RoleArn=ROLE, ClientRequestToken="t" * 32
    )


def images(registry: str, tag: str) -> tuple[str, ...]:
    return ("--default", f"ImageRegistry={registry}", "--default", f"ImageTag={tag}")


def tagged(ecr: Any, tag: str, *commands: str) -> None:
    for command in commands:
        manifest = json.dumps({**MANIFEST, "annotations": {"tag": tag}})
        ecr.put_image(repositoryName=command, imageManifest=manifest, imageTag=tag)


def refusal(run: Run, *arguments: str) -> str:
    """The error of an upsert, the same as of its dry run."""
    tried, failed = run("upsert", *arguments, "--dry-run"), run("upsert", *arguments)
    assert (failed.exit_code, tried.exit_code) == (1, 1), failed.output
    (line,) = (line for line in failed.stderr.splitlines() if line.startswith("error: "))
    assert line in tried.stderr
    return line


def test_the_images_of_the_last_push_replace_the_deployed_ones(
    sagemaker: Any, ecr: Any, record: Path, run: Run
) -> None:
    deploy(sagemaker, DELTA, "docker.io/library", "latest")
    record_push(REGISTRY, TAG, record)
    wanted = [
        f"images: {REGISTRY}, tag {TAG} (last push)",
        f'  Parameters[ImageRegistry].DefaultValue: "docker.io/library" -> "{REGISTRY}"',
        f'  Parameters[ImageTag].DefaultValue: "latest" -> "{TAG}"',
    ]
    for command, state in (
        (("diff",), "different"),
        (("upsert", "--dry-run"), "would be updated"),
        (("upsert",), "updated"),
    ):
        said = run(*command, *ONE).output.splitlines()
        assert said == [wanted[0], f"{DELTA}: {state}", *wanted[1:]]
    assert deployed_images(sagemaker, DELTA) == (REGISTRY, TAG)


def test_without_a_push_each_pipeline_keeps_its_images(sagemaker: Any, ecr: Any, run: Run) -> None:
    tagged(ecr, "2.0.0", "ndr-join")
    deploy(sagemaker, DELTA, REGISTRY, TAG)
    deploy(sagemaker, JOIN, REGISTRY, "2.0.0")
    done = run("upsert", *BOTH, "--default", "InstanceCount=2")
    assert done.output.splitlines() == [
        f"images: {REGISTRY}, tag {TAG} (deployed): {DELTA}",
        f"images: {REGISTRY}, tag 2.0.0 (deployed): {JOIN}",
        *(
            line
            for name in (DELTA, JOIN)
            for line in (f"{name}: updated", "  Parameters[InstanceCount].DefaultValue: 1 -> 2")
        ),
    ]
    assert [deployed_images(sagemaker, name) for name in (DELTA, JOIN)] == [(REGISTRY, TAG), (REGISTRY, "2.0.0")]


def test_what_is_given_comes_before_the_last_push(sagemaker: Any, ecr: Any, record: Path, run: Run) -> None:
    tagged(ecr, "2.0.0", "ndr-delta")
    record_push(REGISTRY, TAG, record)
    done = run("upsert", *ONE, "--default", "ImageTag=2.0.0")
    assert done.output.splitlines() == [
        f"images: {REGISTRY} (last push), tag 2.0.0 (given)",
        f"{DELTA}: created",
    ]
    assert deployed_images(sagemaker, DELTA) == (REGISTRY, "2.0.0")


def test_nothing_is_deployed_where_no_images_are_known(sagemaker: Any, ecr: Any, run: Run) -> None:
    assert refusal(run, *ONE) == (
        f"error: pipeline {DELTA} would have no ImageRegistry and no ImageTag: none was pushed from here, deployed or "
        "given. Push images with make push, or give --default ImageRegistry=<account>.dkr.ecr.<region>.amazonaws.com "
        "and --default ImageTag=<tag>"
    )
    assert "would have no ImageTag: none was pushed" in refusal(run, *ONE, "--default", f"ImageRegistry={REGISTRY}")
    assert sagemaker.list_pipelines()["PipelineSummaries"] == []
    assert run("diff", *ONE).output == f"{DELTA}: not deployed\n"


@pytest.mark.parametrize(
    ("registry", "tag"),
    [
        ("docker.io/library", "latest"),
        ("127.0.0.1:5000", "1.4.0"),
        ("123456789012.dkr.ecr.eu-central-1.amazonaws.com.example.org", "1.4.0"),
        ("12345.dkr.ecr.eu-central-1.amazonaws.com", "1.4.0"),
        (REGISTRY, "1 4"),
    ],
)
def test_images_outside_ecr_are_refused_wherever_they_are_from(
    sagemaker: Any, ecr: Any, record: Path, run: Run, registry: str, tag: str
) -> None:
    said = f"error: AWS cannot pull the image {registry}/ndr-delta:{tag}, which is not in ECR. Push images with make "
    assert refusal(run, *ONE, *images(registry, tag)).startswith(said)
    deploy(sagemaker, DELTA, registry, tag)
    assert refusal(run, *ONE, "--default", "InstanceCount=2").startswith(said)
    record_push(registry, tag, record)
    assert refusal(run, *BOTH).startswith(said)
    assert [one["PipelineName"] for one in sagemaker.list_pipelines()["PipelineSummaries"]] == [DELTA]
    assert f"images: {registry}, tag {tag} (last push)\n" in run("diff", *ONE).output


@pytest.mark.parametrize(
    ("registry", "tag", "code"),
    [
        (REGISTRY, "9.9.9", "ImageNotFoundException"),
        (OTHER, TAG, "RepositoryNotFoundException"),
        (f"{REGISTRY}/team", TAG, "RepositoryNotFoundException"),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", TAG, "RepositoryNotFoundException"),
    ],
)
def test_images_that_ecr_does_not_have_are_refused(
    sagemaker: Any, ecr: Any, run: Run, registry: str, tag: str, code: str
) -> None:
    said = refusal(run, *ONE, *images(registry, tag))
    assert said.startswith(f"error: the image {registry}/ndr-delta:{tag} does not exist: {code}. Push images with make")
    assert sagemaker.list_pipelines()["PipelineSummaries"] == []


def test_one_missing_image_keeps_all_pipelines_as_they_are(sagemaker: Any, ecr: Any, record: Path, run: Run) -> None:
    tagged(ecr, "2.0.0", "ndr-delta")
    record_push(REGISTRY, "2.0.0", record)
    assert f"the image {REGISTRY}/ndr-join:2.0.0 does not exist" in refusal(run, *BOTH)
    assert sagemaker.list_pipelines()["PipelineSummaries"] == []


def test_who_may_not_ask_ecr_deploys_and_is_told_so(
    sagemaker: Any, ecr: Any, moto_server: str, environment: pytest.MonkeyPatch, run: Run
) -> None:
    iam = boto3.Session().client("iam", region_name="eu-central-1")
    iam.create_user(UserName="deployer")
    statement = {"Effect": "Allow", "Action": "sagemaker:*", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    iam.put_user_policy(UserName="deployer", PolicyName="deploy", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName="deployer")["AccessKey"]
    environment.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    environment.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    environment.setattr(boto3, "DEFAULT_SESSION", None)
    moto(moto_server, "reset-auth", b"0")
    try:
        done = run("upsert", *BOTH, *images(REGISTRY, "9.9.9"))
    finally:
        moto(moto_server, "reset-auth", b"inf")
    assert done.exit_code == 0, done.output
    (line,) = (line for line in done.stderr.splitlines() if "ECR" in line)
    assert f"whether {REGISTRY}/ndr-delta:9.9.9 exists is not known, because ECR did not say: " in line
    assert "ecr:DescribeImages" in line
    assert deployed_images(sagemaker, JOIN) == (REGISTRY, "9.9.9")


def test_a_record_that_is_not_json_is_named(sagemaker: Any, ecr: Any, record: Path, run: Run) -> None:
    record.parent.mkdir()
    record.write_text('{"ImageTag": ')
    assert f"{record} is not JSON: " in refusal(run, *ONE)


def test_aws_itself_is_not_asked_whether_it_is_local(environment: pytest.MonkeyPatch) -> None:
    assert not is_local(boto3.client("sagemaker", region_name="cn-north-1"))  # without a credential to ask with


def test_a_deployed_definition_that_is_not_json_has_no_images(environment: pytest.MonkeyPatch) -> None:
    assert choose({}, "by hand", local=False) == {}


@pytest.mark.parametrize("name", PIPELINES)
def test_the_images_of_a_definition_are_those_of_its_commands(name: str) -> None:
    definition = with_defaults(load(name), {"ImageRegistry": REGISTRY, "ImageTag": TAG})
    assert uris(definition) == {f"{REGISTRY}/{step.command}:{TAG}" for step in PIPELINES[name].steps}


def test_an_image_in_ecr_has_a_digest_until_it_is_removed(ecr: Any) -> None:
    tagged(ecr, "2.0.0", "ndr-delta")
    first, second = (f"{REGISTRY}/ndr-delta:{tag}" for tag in (TAG, "2.0.0"))
    digests = digest_of(first), digest_of(second)
    assert all(str(digest).startswith("sha256:") for digest in digests)
    for _ in range(2):  # the second time, it is gone already
        remove_image(first)
    assert (digest_of(first), digest_of(second)) == (None, digests[1])
    remove_image(f"{REGISTRY}/ndr-unknown:1")
    assert digest_of(f"{REGISTRY}/ndr-unknown:1") is None
    remove_image("docker.io/library/ndr-delta:latest")  # of this machine, where nothing is removed
    assert digest_of("docker.io/library/ndr-delta:latest") is None
