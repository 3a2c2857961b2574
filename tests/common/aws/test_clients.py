"""AWS clients: a call is repeated while the service fails, says so, and names the failure in the end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from common.aws import clients
from common.aws.clients import aws_errors, client
from common.errors import AwsError


class Service(BaseHTTPRequestHandler):
    """Answers as many calls with 503 as `failures` says, and then with an empty list of tables."""

    failures = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        Service.failures -= 1
        self.send_response(503 if Service.failures >= 0 else 200)
        self.end_headers()
        self.wfile.write(b'{"TableNames": []}')

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Service]]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        monkeypatch.setattr("botocore.retries.standard.random.random", lambda: 0.01)  # the share of the longest pause
        yield Service
        server.shutdown()


@pytest.mark.slow
def test_a_repeated_call_is_said(service: type[Service], caplog: pytest.LogCaptureFixture) -> None:
    service.failures = 3
    with caplog.at_level(logging.INFO, clients.__name__):
        assert client("dynamodb").list_tables()["TableNames"] == []
    expected = [("INFO", 2), ("WARNING", 3), ("WARNING", 4)]
    said = [(record.levelname, record.message) for record in caplog.records if record.name == clients.__name__]
    assert said == [
        (level, f"AWS did not answer ListTables as it should; try {number} of 5") for level, number in expected
    ]


def test_a_call_is_not_repeated_for_ever(service: type[Service]) -> None:
    service.failures = 9
    with pytest.raises(AwsError, match="tables cannot be listed"), aws_errors("tables cannot be listed"):
        client("dynamodb").list_tables()
    assert service.failures == 9 - clients.CALL_ATTEMPTS


def test_a_client_has_the_credentials_that_the_environment_has_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    for key in ("first", "second"):
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
        assert f"AWSAccessKeyId={key}" in client("s3", "us-east-1").generate_presigned_url("list_buckets")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("AWS_PROFILE", "nobody", "The config profile \\(nobody\\) could not be found"),
        ("AWS_REGION", "eu west", "eu west"),
    ],
)
def test_a_profile_or_region_that_is_none_is_said_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(AwsError, match=f"AWS cannot be asked for s3: .*{said}.*Check .* AWS_PROFILE, AWS_REGION"):
        client("s3")
