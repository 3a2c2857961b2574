"""Requests to a local AWS as anything can send them: signed or not, under any name, of any age."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from localaws.cli.process import LocalAws
from localaws.credential import Credential
from localaws.server.settings import REGION


@dataclass(frozen=True)
class Answer:
    """What came back: status, headers with names in lower case, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def send(
    local: LocalAws, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> Answer:
    """The answer to a request with these headers, Host among them, and no others."""
    given = {"Host": f"127.0.0.1:{local.port}", "Content-Length": str(len(body)), **(headers or {})}
    connection = http.client.HTTPConnection("127.0.0.1", local.port, timeout=30)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in given.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        found = connection.getresponse()
        return Answer(found.status, {name.lower(): value for name, value in found.getheaders()}, found.read())
    finally:
        connection.close()


def _keys(local: LocalAws, secret: str | None = None) -> Credentials:
    own = Credential.of(local.home)
    return Credentials(own.key_id, secret or own.secret)


def signed(
    local: LocalAws,
    method: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    service: str = "s3",
    secret: str | None = None,
    age: timedelta = timedelta(0),
) -> dict[str, str]:
    """The headers of a request that was signed some time ago, with the credential of the home or another secret."""
    host = (headers or {}).get("Host", f"127.0.0.1:{local.port}")
    request = AWSRequest(method, f"http://{host}{path}", dict(headers or {}), data=body)
    kind = S3SigV4Auth if service == "s3" else SigV4Auth
    with patch("botocore.auth.get_current_datetime", lambda: datetime.now(UTC).replace(tzinfo=None) - age):
        kind(_keys(local, secret), service, REGION).add_auth(request)
    return dict(request.headers)


def presigned(
    local: LocalAws, method: str, path: str, seconds: int = 60, age: timedelta = timedelta(0), secret: str | None = None
) -> str:
    """Path and query of a presigned URL of S3 that was made some time ago."""
    request = AWSRequest(method, f"{local.endpoint}{path}")
    with patch("botocore.auth.get_current_datetime", lambda: datetime.now(UTC).replace(tzinfo=None) - age):
        S3SigV4QueryAuth(_keys(local, secret), "s3", REGION, expires=seconds).add_auth(request)
    return str(request.url).removeprefix(local.endpoint)


def refused(answer: Answer, code: str = "") -> None:
    """Checks that an answer is a refusal with this word, which no other page can read."""
    assert answer.status == 403, answer.body
    assert code in answer.body.decode()
    assert not [name for name in answer.headers if name.startswith("access-control-")]
