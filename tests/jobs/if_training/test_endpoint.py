"""The endpoint's calls, made by the SDK to a server that keeps what was created, as SageMaker does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from common.config.training import EndpointParameters
from common.errors import AwsError, DeploymentError
from jobs.if_training.endpoint import resource_name, upsert_endpoint

PARAMETERS = EndpointParameters(
    name="ndr-anomalies",
    image="123456789012.dkr.ecr.eu-west-1.amazonaws.com/serve:1",
    role_arn="arn:aws:iam::123456789012:role/ndr",
)
URI = "s3://lake/models/local/run-1"
DIGEST = "a" * 64


class Recorder(ThreadingHTTPServer):
    """Keeps models, configurations and endpoints by name, and every call."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.kept: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.refusal: str | None = None


class Handler(BaseHTTPRequestHandler):
    server: Recorder

    def do_POST(self) -> None:
        operation = self.headers["X-Amz-Target"].partition(".")[2]
        given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.calls.append(operation)
        kind = operation.removeprefix("Create").removeprefix("Update").removeprefix("Describe")
        key = f"{kind} {given[f'{kind}Name']}"
        if self.server.refusal:
            self._answer(400, {"__type": "AccessDeniedException", "message": self.server.refusal})
        elif operation.startswith("Create") and key in self.server.kept:
            message = f'Cannot create already existing {kind.lower()} "arn:{key}".'
            self._answer(400, {"__type": "ValidationException", "message": message})
        elif operation.startswith("Describe"):
            self._answer(200, self.server.kept[key])
        else:
            self.server.kept[key] = given
            self._answer(200, {f"{kind}Arn": f"arn:aws:sagemaker:eu-west-1:123456789012:x/{key}"})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Nothing on stderr."""


@pytest.fixture
def sagemaker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    server = Recorder()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", f"http://127.0.0.1:{server.server_port}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    yield server
    server.shutdown()


def test_without_an_endpoint_nothing_happens(sagemaker: Recorder) -> None:
    assert upsert_endpoint(None, "run-1", URI, DIGEST, None) is None
    assert sagemaker.calls == []


def test_the_first_model_creates_everything(sagemaker: Recorder) -> None:
    assert upsert_endpoint(PARAMETERS, "run-1", URI, DIGEST, None) == "ndr-anomalies"
    name = resource_name(PARAMETERS, "run-1", DIGEST)
    assert sagemaker.calls == ["CreateModel", "CreateEndpointConfig", "CreateEndpoint"]
    model = sagemaker.kept[f"Model {name}"]
    assert model["PrimaryContainer"]["ModelDataSource"]["S3DataSource"] == {
        "S3Uri": f"{URI}/", "S3DataType": "S3Prefix", "CompressionType": "None"
    }  # fmt: skip
    assert model["PrimaryContainer"]["Environment"] == {"NDR_MANIFEST_SHA256": DIGEST}
    variant = sagemaker.kept[f"EndpointConfig {name}"]["ProductionVariants"][0]
    assert (variant["ModelName"], variant["InitialInstanceCount"]) == (name, 1)
    assert sagemaker.kept["Endpoint ndr-anomalies"]["EndpointConfigName"] == name


def test_the_same_model_again_changes_nothing(sagemaker: Recorder) -> None:
    upsert_endpoint(PARAMETERS, "run-1", URI, DIGEST, None)
    before = dict(sagemaker.kept)
    upsert_endpoint(PARAMETERS, "run-1", URI, DIGEST, None)
    assert sagemaker.kept == before
    assert "UpdateEndpoint" not in sagemaker.calls


def test_another_model_updates_the_endpoint(sagemaker: Recorder) -> None:
    upsert_endpoint(PARAMETERS, "run-1", URI, DIGEST, None)
    upsert_endpoint(PARAMETERS, "run-2", URI, DIGEST, None)
    assert sagemaker.calls[-1] == "UpdateEndpoint"
    assert sagemaker.kept["Endpoint ndr-anomalies"]["EndpointConfigName"] == resource_name(PARAMETERS, "run-2", DIGEST)


def test_a_refusal_is_an_error_that_names_endpoint_and_model(sagemaker: Recorder) -> None:
    sagemaker.refusal = "not authorized to perform sagemaker:CreateModel"
    with pytest.raises(AwsError, match="endpoint ndr-anomalies could not be given model run-1: AccessDeniedException"):
        upsert_endpoint(PARAMETERS, "run-1", URI, DIGEST, None)


def test_a_model_on_a_local_disk_is_refused(sagemaker: Recorder) -> None:
    with pytest.raises(DeploymentError, match="cannot serve a model in /lake"):
        upsert_endpoint(PARAMETERS, "run-1", "/lake/models/local/run-1", DIGEST, None)
    assert sagemaker.calls == []


def test_names_are_ones_that_sagemaker_takes() -> None:
    name = resource_name(PARAMETERS, "r" * 90 + ".1_2", DIGEST)
    assert len(name) <= 63 and name.replace("-", "").isalnum()
    assert name != resource_name(PARAMETERS, "r" * 90 + ".1_3", DIGEST)
    assert name != resource_name(PARAMETERS, "r" * 90 + ".1_2", "b" * 64)


@pytest.mark.parametrize("execution", [None, "arn:aws:states:us-east-1:000000000000:execution:training:one"])
def test_outside_a_pipeline_the_image_must_be_named(sagemaker: Recorder, execution: str | None) -> None:
    with pytest.raises(DeploymentError, match="endpoint ndr-anomalies has no image, and none is known outside"):
        upsert_endpoint(PARAMETERS.model_copy(update={"image": None}), "run-1", URI, DIGEST, execution)
    assert sagemaker.calls == []
