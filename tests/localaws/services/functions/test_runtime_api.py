"""The Runtime API answers the processes of functions, which know its secret, and nobody else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from localaws.cli.process import LocalAws
from localaws.services.functions.pools import PATH
from tests.localaws.server.requests import refused, send, signed
from tests.localaws.services.functions.functions import create, invoke, write_function

pytestmark = pytest.mark.slow

CALLS = ("invocation/next", "invocation/1/response", "invocation/1/error", "init/error")


@pytest.fixture
def address(local_aws: LocalAws, step_bin: Path) -> str:
    """The path of the Runtime API of a process that runs."""
    write_function(step_bin)
    found = invoke(local_aws, create(local_aws), do="environment", names=["AWS_LAMBDA_RUNTIME_API"])
    place, slash, path = found["AWS_LAMBDA_RUNTIME_API"].partition("/")
    assert place == f"127.0.0.1:{local_aws.port}"
    return f"{slash}{path}/2018-06-01/runtime/"


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("secret", ["", "wrong", "a" * 43])
def test_nobody_without_the_secret_is_answered(local_aws: LocalAws, secret: str, call: str) -> None:
    path = f"{PATH}{secret}/2018-06-01/runtime/{call}"
    method = "GET" if call.endswith("next") else "POST"
    refused(send(local_aws, method, path), "AccessDenied")
    refused(send(local_aws, method, path, signed(local_aws, method, path)), "AccessDenied")


@pytest.mark.parametrize(
    "foreign", [{"Origin": "http://evil.example"}, {"Host": "evil.example"}, {"Origin": "null"}], ids=str
)
def test_no_page_is_answered_with_it(local_aws: LocalAws, address: str, foreign: dict[str, str]) -> None:
    refused(send(local_aws, "POST", f"{address}init/error", foreign))


def test_an_answer_to_no_invocation_is_refused(local_aws: LocalAws, address: str) -> None:
    answer = send(local_aws, "POST", f"{address}invocation/none/response", body=b"{}")
    assert (answer.status, json.loads(answer.body)["errorType"]) == (400, "InvalidRequestID")
    assert send(local_aws, "DELETE", f"{address}invocation/next").status == 404


def test_the_secret_opens_nothing_else(local_aws: LocalAws, address: str) -> None:
    secret = address.removeprefix(PATH).partition("/")[0]
    for path in ("/", "/_ndr/health", f"{PATH}{secret}/../../health", f"/{secret}/2018-06-01/runtime/invocation/next"):
        refused(send(local_aws, "GET", path))
