"""The repositories of an account: those of all images, and nothing of what was pushed is lost."""

from __future__ import annotations

import json

import pytest
import yaml

from statemachines.deploy.registry import TEMPLATE
from tests.checkout import ROOT
from tests.statemachines.deploy.deployer import Deployer

IMAGES = {path.parent.name for path in ROOT.glob("images/*-*/Dockerfile") if not path.parent.name.startswith("base")}
STACK = "stack ndr-registry"
REMOVE = ("registry", "--remove")
KEY = "arn:aws:kms:us-east-1:000000000000:key/of-images"


def test_repositories_are_those_of_all_images() -> None:
    resources = yaml.load(TEMPLATE.read_text(), Loader=yaml.BaseLoader)["Resources"].values()
    assert {one["Properties"]["RepositoryName"] for one in resources} == IMAGES
    assert {(one["DeletionPolicy"], one["Properties"]["ImageTagMutability"]) for one in resources} == {
        ("Retain", "IMMUTABLE")
    }


@pytest.mark.slow
def test_repositories_that_exist_are_taken_over_with_their_images(deployer: Deployer) -> None:
    ecr = deployer.local.client("ecr")
    ecr.create_repository(repositoryName="ndr-delta")
    manifest = json.dumps({"schemaVersion": 2, "config": {"digest": "sha256:" + "0" * 64}, "layers": []})
    pushed = ecr.put_image(repositoryName="ndr-delta", imageManifest=manifest, imageTag="0123456789ab")["image"]

    first = deployer.run("registry")
    assert first.exit_code == 0, first.output
    assert "  NdrDelta: taken over\n" in first.output and f"{STACK}: created" in first.output
    found = ecr.describe_repositories()["repositories"]
    assert {one["repositoryName"] for one in found} == IMAGES
    assert {one["imageTagMutability"] for one in found} == {"IMMUTABLE"}
    assert {one["imageScanningConfiguration"]["scanOnPush"] for one in found} == {True}
    assert {one["encryptionConfiguration"]["encryptionType"] for one in found} == {"AES256"}
    for name in IMAGES:
        rules = json.loads(ecr.get_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"])["rules"]
        selections = [(one["selection"]["tagStatus"], one["selection"]["countType"]) for one in rules]
        assert selections == [("untagged", "sinceImagePushed"), ("any", "imageCountMoreThan")]
    (kept,) = ecr.describe_images(repositoryName="ndr-delta")["imageDetails"]
    assert kept["imageDigest"] == pushed["imageId"]["imageDigest"]

    assert deployer.run("registry").output.splitlines()[-1] == f"{STACK}: unchanged"
    assert deployer.run("drift").output == "ndr-registry: nothing differs\n"
    ecr.put_image_tag_mutability(repositoryName="ndr-delta", imageTagMutability="MUTABLE")
    differs = deployer.run("drift")
    said = 'ndr-registry: repository ndr-delta: ImageTagMutability: "MUTABLE", not "IMMUTABLE"\n'
    assert (differs.exit_code, said in differs.output) == (1, True)
    ecr.put_image_tag_mutability(repositoryName="ndr-delta", imageTagMutability="IMMUTABLE")
    # another key would mean other repositories, without the images
    refused = deployer.run("registry", "--kms-key", KEY)
    assert refused.exit_code == 1 and "replaced" in refused.output
    assert ecr.describe_images(repositoryName="ndr-delta")["imageDetails"] == [kept]

    status = deployer.run("status", "dev", "--format", "csv").output
    assert "stack,ndr-registry,update_complete," in status
    assert 'repository,ndr-delta,has images,"1 images, the last is 0123456789ab",' in status
    assert "repository,ndr-join,empty,," in status
    assert deployer.run("destroy", "dev").output.startswith(f"{STACK}: stays, as it is the account's")

    assert "are of account 000000000000, not 111111111111" in deployer.refusal(*REMOVE, "--delete-images", "1" * 12)
    assert deployer.run(*REMOVE).output == f"{STACK}: removed\n"
    assert ecr.describe_images(repositoryName="ndr-delta")["imageDetails"] == [kept]
    removed = deployer.run(*REMOVE, "--delete-images", "0" * 12).output.splitlines()
    assert removed == [f"repository {name}: removed" for name in sorted(IMAGES)]
    assert ecr.describe_repositories()["repositories"] == []


@pytest.mark.slow
def test_new_repositories_are_encrypted_with_the_key_that_is_given(deployer: Deployer) -> None:
    assert f"{STACK}: created" in deployer.run("registry", "--kms-key", KEY).output
    for _ in range(2):
        found = deployer.local.client("ecr").describe_repositories()["repositories"]
        assert {one["encryptionConfiguration"].get("kmsKey") for one in found} == {KEY}
        assert deployer.run("registry").output.splitlines()[-1] == f"{STACK}: unchanged"  # the key is kept
