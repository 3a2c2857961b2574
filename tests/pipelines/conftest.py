"""A server that answers like SageMaker, and the command line against it."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result
from moto.server import ThreadedMotoServer

from common.runtime.catalog import STAGES
from pipelines import images
from pipelines.cli import main

REGISTRY, TAG = "123456789012.dkr.ecr.eu-central-1.amazonaws.com", "1.4.0"
MANIFEST = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "layers": []}

Run = Callable[..., Result]
PUSHED = Path("build") / "push.json"


@pytest.fixture(scope="session")
def moto_server() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """Where the last push is kept during the test; nothing was pushed."""
    return tmp_path / PUSHED


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment that says nothing of AWS, of the pipelines' role or of a push."""
    monkeypatch.setattr(images, "PUSHED", tmp_path / PUSHED)
    for name in [name for name in os.environ if name.startswith(("AWS_", "NDR_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # remembers the credentials of earlier tests
    return monkeypatch


@pytest.fixture
def sagemaker(moto_server: str, environment: pytest.MonkeyPatch) -> Any:
    """A client of an empty SageMaker, to which the environment leads too."""
    environment.setenv("AWS_ENDPOINT_URL", moto_server)
    environment.setenv("AWS_ACCESS_KEY_ID", "test")
    environment.setenv("AWS_SECRET_ACCESS_KEY", "test")
    moto(moto_server, "reset")
    return boto3.Session().client("sagemaker", region_name="eu-central-1")


@pytest.fixture
def ecr(sagemaker: Any) -> Any:
    """A client of the registry beside that SageMaker, which has the images of all stages."""
    client = boto3.Session().client("ecr", region_name="eu-central-1")
    for stage in STAGES:
        client.create_repository(repositoryName=stage.command)
        client.put_image(repositoryName=stage.command, imageManifest=json.dumps(MANIFEST), imageTag=TAG)
    return client


@pytest.fixture
def pushed(ecr: Any, record: Path) -> None:
    """The images of all stages were pushed from this checkout."""
    images.record_push(REGISTRY, TAG, record)


def moto(server: str, path: str, data: bytes = b"") -> None:
    """Tells the server itself something."""
    headers = {"Content-Type": "text/plain"}
    request = urllib.request.Request(f"{server}/moto-api/{path}", data=data, headers=headers, method="POST")
    with urllib.request.urlopen(request):
        pass


@pytest.fixture
def run() -> Run:
    """Runs `ndr-pipelines` with the arguments given."""
    return lambda *arguments: CliRunner().invoke(main, list(arguments), prog_name="ndr-pipelines")
