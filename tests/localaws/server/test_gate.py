"""Who is answered: requests that a web page can make, and requests with another signature, do nothing."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import boto3
import pytest
from botocore.exceptions import ClientError

from localaws.cli.process import LocalAws
from localaws.server.settings import HEALTH_PATH
from tests.localaws.forwarding import forward, name_of
from tests.localaws.running import Started, lead_to, unique, wait_for, write_step
from tests.localaws.server.requests import refused, send, signed
from tests.localaws.services.sagemaker.pipelines import ROLE, definition, step

EVIL = "http://evil.example"
State = tuple[list[str], list[str], bytes]
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Attack:
    """A request as a browser sends it for a page that somebody visits."""

    method: str = "POST"
    path: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@pytest.fixture
def proof(tmp_path: Path, step_bin: Path) -> Path:
    """The file that `ndr-quick` writes if somebody makes a step run it."""
    write_step(step_bin, "ndr-quick", 'id -un > "$1"')
    return tmp_path / "proof"


def sagemaker(action: str, **members: Any) -> Attack:
    return Attack(headers={"X-Amz-Target": f"SageMaker.{action}"}, body=json.dumps(members).encode())


def run_program(pipeline: str, proof: Path) -> list[Attack]:
    """The requests that make the server run a program."""
    text, token = definition(step("A", "ndr-quick", str(proof))), "t" * 32
    made = {"PipelineName": pipeline, "ClientRequestToken": token}
    return [
        sagemaker("CreatePipeline", **made, PipelineDefinition=text, RoleArn=ROLE),
        sagemaker("StartPipelineExecution", **made),
    ]


def test_who_has_the_credential_can_run_a_program(local_aws: LocalAws, proof: Path) -> None:
    """The same requests as below, signed: so it is the signature that they lack."""
    for attack in run_program(unique("own"), proof):
        headers = signed(local_aws, attack.method, attack.path, attack.headers, attack.body, "sagemaker")
        assert send(local_aws, attack.method, attack.path, headers, attack.body).status == 200
    wait_for(proof.exists)


@pytest.mark.parametrize("sign", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize(
    "foreign",
    [
        {"Origin": EVIL},
        {"Origin": "null"},  # a sandboxed frame, or a file
        {"Origin": EVIL, "Content-Type": "text/plain"},
        {"Host": "evil.example"},  # DNS rebinding: the page's own name leads to 127.0.0.1
        {"Host": "evil.example:{port}", "Origin": "http://evil.example:{port}"},
        {"Host": "127.0.0.1:1"},
        {"Host": "127.0.0.1.evil.example:{port}"},
        {"Host": "bucket.localhost:{port}"},
    ],
    ids=lambda foreign: ",".join(foreign.values()),
)
def test_a_page_cannot_run_a_program(local_aws: LocalAws, proof: Path, foreign: dict[str, str], sign: bool) -> None:
    pipeline = unique("evil")
    given = {name: value.format(port=local_aws.port) for name, value in foreign.items()}
    for attack in run_program(pipeline, proof):
        headers = {**attack.headers, **given}
        if sign:
            headers = signed(local_aws, attack.method, attack.path, headers, attack.body, "sagemaker")
        refused(send(local_aws, attack.method, attack.path, headers, attack.body))
    assert not proof.exists()
    with pytest.raises(ClientError, match="does not exist"):
        local_aws.client("sagemaker").describe_pipeline(PipelineName=pipeline)


@pytest.mark.slow
@pytest.mark.parametrize("origin", [{}, {"Origin": EVIL}], ids=["no origin", "origin"])
@pytest.mark.parametrize(
    "attack",
    [
        Attack("GET", "/?Action=ListStacks&Version=2010-05-15"),
        Attack("GET", HEALTH_PATH),
        Attack("GET", "/_ministack/health"),
        Attack("GET", "/health"),
        Attack("HEAD", "/held/object"),
        Attack("POST", "/_ministack/reset", {"Content-Type": "text/plain"}),
        Attack("POST", "/_ministack/config", {"Content-Type": "text/plain"}, b"{}"),
        Attack("POST", "/_ministack/rds/iam-auth", {"Content-Type": "text/plain"}, b"{}"),
        Attack("POST", "/_aws/execute-api/abcdefgh/live/"),
        Attack("DELETE", "/held/object"),
        Attack("PUT", "/held/object", {"Content-Type": "text/plain"}, b"evil"),
        Attack("OPTIONS", "/", {"Access-Control-Request-Method": "POST",
                                "Access-Control-Request-Headers": "x-amz-target"}),
        Attack("GET", "/", {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
                            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}),
        Attack("POST", "/held", {"Content-Type": "multipart/form-data; boundary=X"},
               b'--X\r\nContent-Disposition: form-data; name="key"\r\n\r\nobject\r\n'
               b'--X\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nevil\r\n--X--\r\n'),
        Attack("POST", "/", {"Content-Type": FORM}, urlencode(
            {"Action": "CreateStack", "StackName": "evil", "Version": "2010-05-15",
             "TemplateBody": '{"Resources": {"B": {"Type": "AWS::S3::Bucket", "Properties": '
                             '{"BucketName": "evil-stack"}}}}'}).encode()),
        Attack("POST", "/", {"Content-Type": "text/plain"}, b"Action=CreateQueue&QueueName=evil&Version=2012-11-05"),
        Attack("POST", "/", {"Authorization": "Basic dGVzdDp0ZXN0"}),
        Attack("POST", "/", {"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, "
                             "SignedHeaders=host, Signature=0"}),
    ],
    ids=lambda attack: f"{attack.method} {attack.path} {','.join(attack.headers.values())[:40]}",
)  # fmt: skip
def test_what_a_page_sends_does_nothing(
    local_aws: LocalAws, held: Callable[[], State], attack: Attack, origin: dict[str, str]
) -> None:
    before = held()
    refused(send(local_aws, attack.method, attack.path, {**attack.headers, **origin}, attack.body))
    assert held() == before


@pytest.fixture(scope="module")
def held(local_aws: LocalAws) -> Callable[[], State]:
    """What the server holds: its buckets, its queues, and an object."""
    s3, sqs = local_aws.client("s3"), local_aws.client("sqs")
    s3.create_bucket(Bucket="held")
    s3.put_object(Bucket="held", Key="object", Body=b"mine")

    def read() -> State:
        buckets = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
        content = s3.get_object(Bucket="held", Key="object")["Body"].read()
        return buckets, sqs.list_queues().get("QueueUrls", []), content

    return read


@pytest.mark.parametrize("path", ["/_ministack/reset", "/_ministack/config", "/_localstack/health", "/_alb/x"])
def test_pages_of_ministack_are_closed_to_everybody(local_aws: LocalAws, path: str) -> None:
    assert send(local_aws, "POST", path, signed(local_aws, "POST", path)).status == 404


def test_own_names_and_own_origin_are_answered(local_aws: LocalAws) -> None:
    for name in ("127.0.0.1", "localhost", "[::1]"):
        place = {"Host": f"{name}:{local_aws.port}", "Origin": f"http://{name}:{local_aws.port}"}
        answer = send(local_aws, "GET", "/", signed(local_aws, "GET", "/", place))
        assert (answer.status, [name for name in answer.headers if name.startswith("access-control-")]) == (200, [])


def test_what_is_not_in_use_is_not_there(local_aws: LocalAws) -> None:
    """Services that run programs of a request, with the credential too."""
    with pytest.raises(ClientError):
        local_aws.client("codebuild").list_projects()


@pytest.mark.parametrize("kind", ["AWS::CodeBuild::Project", "AWS::Lambda::LayerVersion", "AWS::Lambda::Url"])
def test_no_template_makes_what_is_not_in_use(local_aws: LocalAws, kind: str) -> None:
    template = {"Resources": {"F": {"Type": kind, "Properties": {}}}}
    with pytest.raises(ClientError, match=rf"Unrecognized resource types: \[{kind}\]"):
        local_aws.client("cloudformation").create_stack(StackName=unique("s"), TemplateBody=json.dumps(template))


def test_nobody_beyond_this_machine_is_answered(local_aws: LocalAws) -> None:
    """The server and its services listen on the loopback interface only."""
    pid = local_aws.pid()
    sockets = {path.readlink().name for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink()}
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
    ]
    listening = [row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets]
    assert listening == [f"0100007F:{local_aws.port:04X}"]


@pytest.mark.slow
def test_a_forwarder_is_answered_under_its_name(start_local_aws: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as outside:
        name = name_of(outside)
        local = start_local_aws(NDR_LOCAL_HOSTS=f"{name} other:80")
        forward(outside, local.port)
        lead_to(local, monkeypatch)
        assert boto3.client("s3", endpoint_url=f"http://{name}").list_buckets()["Buckets"] == []
        refused(send(local, "GET", "/", signed(local, "GET", "/", {"Host": "other"})))
