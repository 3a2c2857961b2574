"""Pushing to a registry with a password, and to the local AWS's ECR, as `make push` does."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localaws.cli.process import LocalAws
from pipelines.images import last_push, record_push
from tests.checkout import ROOT
from tests.images.containers import Done
from tests.images.registry import running_registry

TAG = "0123456789ab"
TARGETS = ("ndr-fg-c", "ndr-join-spark")
PUSHED = {"ndr-fg-c": TAG, "ndr-join": f"{TAG}-spark"}

pytestmark = pytest.mark.skipif(
    shutil.which("docker-registry") is None, reason="needs Debian's docker-registry, which images/engine.sh installs"
)


@pytest.fixture(scope="module")
def registry(local_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    token = local_aws.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
    user, _, password = base64.b64decode(token).decode().partition(":")
    with running_registry(tmp_path_factory.mktemp("registry") / "registry", user, password) as address:
        yield address


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """Where pushes are kept during the test."""
    return tmp_path / "build" / "push.json"


def push(local_aws: LocalAws, registry: str, tag: str, record: Path, *targets: str) -> Done:
    environment = {**os.environ, **local_aws.environment, "REGISTRY": registry, "TAG": tag}
    command = [sys.executable, "images/push.py", "--record", str(record), *(targets or TARGETS)]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_images_are_pushed_once_into_repositories_of_their_own(
    local_aws: LocalAws, registry: str, record: Path
) -> None:
    first = push(local_aws, registry, TAG, record)
    assert first.returncode == 0, first.stderr
    assert last_push(record) == {"ImageRegistry": registry, "ImageTag": TAG}
    record.unlink()
    created = local_aws.client("ecr").describe_repositories()["repositories"]
    assert {entry["repositoryName"] for entry in created} > set(PUSHED)
    assert {entry["imageTagMutability"] for entry in created} == {"IMMUTABLE"}
    assert {entry["imageScanningConfiguration"]["scanOnPush"] for entry in created} == {True}

    again = push(local_aws, registry, TAG, record)
    assert again.returncode == 0, again.stderr
    assert last_push(record) == {"ImageRegistry": registry, "ImageTag": TAG}
    assert sorted(again.stdout.splitlines()) == [
        *(f"{registry}/{name}:{tag} exists already" for name, tag in PUSHED.items()),
        "stack ndr-registry: unchanged",
    ]


@pytest.mark.parametrize("name", PUSHED)
def test_what_was_pushed_can_be_pulled_and_run(
    name: str, local_aws: LocalAws, registry: str, record: Path, tmp_path: Path
) -> None:
    assert push(local_aws, registry, TAG, record).returncode == 0
    reference = f"{registry}/{name}:{PUSHED[name]}"
    token = local_aws.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
    (tmp_path / "config.json").write_text(json.dumps({"auths": {registry: {"auth": token}}}))
    docker = ["docker", "--config", str(tmp_path)]
    refused = subprocess.run(["docker", "pull", reference], capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert "no basic auth credentials" in refused.stderr  # the password of the push did not stay
    subprocess.run([*docker, "pull", "--quiet", reference], check=True, stdout=subprocess.DEVNULL)
    try:
        shown = subprocess.run(
            [*docker, "run", "--rm", reference, "--help"], capture_output=True, text=True, check=True
        )
        assert shown.stdout.startswith(f"Usage: {name}")
        described = json.loads(subprocess.check_output(["docker", "image", "inspect", reference]))[0]["Config"]
        assert described["Labels"]["org.opencontainers.image.version"] == TAG
    finally:
        subprocess.run(["docker", "rmi", reference], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("tag", ["", "0123456789ab-dirty"])
def test_only_commits_are_pushed(local_aws: LocalAws, registry: str, record: Path, tag: str) -> None:
    refused = push(local_aws, registry, tag, record)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"error: the tag {tag!r} does not name a commit")
    assert not record.exists()


def test_a_push_that_fails_is_not_kept(local_aws: LocalAws, registry: str, record: Path) -> None:
    record_push(registry, "of-before", record)
    assert push(local_aws, registry, TAG, record, "ndr-nothing").returncode == 1
    assert last_push(record) == {"ImageRegistry": registry, "ImageTag": "of-before"}
