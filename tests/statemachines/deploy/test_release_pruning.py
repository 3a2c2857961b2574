"""Images of releases that are not kept go from the registry, unless something in the account still names them."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from pipelines.definitions import load
from pipelines.deployment import with_defaults
from pipelines.images import digest_of
from statemachines.deploy.release_pruning import prune
from statemachines.deploy.release_store import Record, Store
from tests.pipelines.conftest import MANIFEST, REGISTRY, ecr, environment, moto_server, record, sagemaker

pytestmark = pytest.mark.slow

__all__ = ["ecr", "environment", "moto_server", "record", "sagemaker"]  # fixtures
BUCKET = "ndr-artifacts-123456789012-eu-central-1"
ROLE = "arn:aws:iam::123456789012:role/steps"


def image(tag: str) -> str:
    return f"{REGISTRY}/ndr-delta:{tag}"


def test_images_that_something_names_stay(sagemaker: Any, ecr: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    s3 = boto3.Session().client("s3", region_name="eu-central-1")
    for prefix in ("dev-", "test-"):
        s3.create_bucket(Bucket=f"{prefix}{BUCKET}", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    tags = ("gone", "elsewhere", "deployed", "kept", "function", "pushed")
    for tag in tags:
        manifest = json.dumps({**MANIFEST, "annotations": {"tag": tag}})
        ecr.put_image(repositoryName="ndr-delta", imageManifest=manifest, imageTag=tag)
    defaults = {"RoleArn": ROLE, "ImageRegistry": REGISTRY, "ImageTag": "deployed"}
    sagemaker.create_pipeline(
        PipelineName="prod-ndr-delta-builder",
        PipelineDefinition=json.dumps(with_defaults(load("ndr-delta-builder"), defaults)),
        RoleArn=ROLE,
        ClientRequestToken="t" * 32,
    )
    deployed = {"test-ndr-ingestion": {"Release": "function"}}
    monkeypatch.setattr("statemachines.deploy.release_pruning.known_parameters", lambda client: deployed)
    empty: dict[str, Any] = {"stacks": {}, "pipelines": {}, "tasks": {}, "code": {}, "machines": {}, "until": None}
    Store(f"test-{BUCKET}").write(Record(1, None, 1, [{**empty, "images": {image("elsewhere"): "sha256:a"}}]))

    store = Store(f"dev-{BUCKET}")
    leaving = [image(tag) for tag in ("gone", "elsewhere", "deployed", "kept", "function")]
    own = Record(2, None, 2, [{**empty, "images": {image("kept"): "sha256:b"}}], leaving)
    for _ in range(2):  # interrupted before the record was written, it is done again
        own.leaving = leaving
        prune("dev-", own, store)
        assert store.read().leaving == []
        there = {
            tag for tag in ("gone", "elsewhere", "deployed", "kept", "function", "pushed") if digest_of(image(tag))
        }
        assert there == {*tags} - {"gone"}
