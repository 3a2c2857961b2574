"""Names that somebody else has are refused before anything is made."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from common.errors import AwsError, DeploymentError
from localaws.cli.process import LocalAws
from statemachines.deploy.parts import stacks_of
from statemachines.deploy.taken_names import check_buckets
from tests.statemachines.deploy.deployer import Deployer

TRUST = {"Version": "2012-10-17", "Statement": []}


class Buckets(BaseHTTPRequestHandler):
    """Answers as S3 does for buckets: 403 for those of another account, 404 for those of nobody."""

    answers: tuple[tuple[str, int], ...] = ()

    def do_HEAD(self) -> None:
        self.send_response(next((code for part, code in self.answers if part in self.path), 404))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def buckets(aws_environment: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Buckets]]:
    del aws_environment
    with ThreadingHTTPServer(("127.0.0.1", 0), Buckets) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{server.server_port}")
        yield Buckets
        server.shutdown()


def test_buckets_of_another_account_are_named(buckets: type[Buckets], monkeypatch: pytest.MonkeyPatch) -> None:
    stacks, given = stacks_of("dev-", ["ingestion"]), {"Environment": "dev-"}
    check_buckets(stacks, given)
    monkeypatch.setattr(buckets, "answers", (("-lake-", 403), ("-landing-", 403)))
    names = "dev-ndr-lake-000000000000-us-east-1, dev-ndr-landing-000000000000-us-east-1"
    with pytest.raises(DeploymentError, match=f"has the bucket {names}, or this one .*Choose another NamePrefix"):
        check_buckets(stacks, given)
    monkeypatch.setattr(buckets, "answers", (("-lake-", 400),))
    with pytest.raises(AwsError, match="the bucket dev-ndr-lake-000000000000-us-east-1 cannot be looked up: 400"):
        check_buckets(stacks, given)


@pytest.mark.slow
def test_an_environment_is_deployed_in_one_region(deployer: Deployer, monkeypatch: pytest.MonkeyPatch) -> None:
    first = deployer.run("up", "dev", "--parts", "ingestion")
    assert first.exit_code == 0 and "dev: new in the account 000000000000, us-east-1\n" in first.output
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    said = deployer.refusal("up", "dev", "--parts", "ingestion")
    assert "dev is deployed in us-east-1, and this is eu-west-1. Set AWS_REGION to its region, or " in said
    assert deployer.local.client("s3").list_buckets()["Buckets"]
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert "new in the account" not in deployer.run("up", "dev", "--parts", "ingestion").output


@pytest.mark.slow
def test_a_role_of_somebody_else_is_named_and_not_taken_over(deployer: Deployer) -> None:
    iam = deployer.local.client("iam")
    iam.create_role(RoleName="dev-ndr-manifest-builder", AssumeRolePolicyDocument=json.dumps(TRUST))
    said = deployer.refusal("up", "dev", "--parts", "ingestion")
    assert (
        "the account has the role dev-ndr-manifest-builder, which no stack of the environment made. Remove it" in said
    )
    assert iam.get_role(RoleName="dev-ndr-manifest-builder")["Role"]["AssumeRolePolicyDocument"] == TRUST
    assert deployer.tables == []
