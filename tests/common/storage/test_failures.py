"""Errors of storage: the same cause, whichever library reports it, and never the advice to remove a table."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from common.aws.clients import aws_errors, client
from common.errors import NdrError, StorageError
from common.lake.lake import Lake
from common.lake.orphans import clear_up
from common.lake.troubles import unreadable
from common.runtime.engine import Engine
from common.storage.failures import failure_of, require_writable
from common.storage.files import Folder
from tests.factories import SPEC
from tests.localaws.running import free_port, unique

CASES = {
    "AccessDenied": (403, "denied access to"),
    "InvalidAccessKeyId": (403, "refused the credentials"),
    "ExpiredToken": (400, "refused the credentials"),
    "NoSuchBucket": (404, "does not exist"),
}
DENIAL = "User: arn:aws:sts::0:assumed-role/r/s is not authorized to perform: s3:ListBucket on resource: arn:aws:s3:::b"

SERVER = """
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Refusing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, code = self.path[1:].split("-")[:2]
        code = next(name for name in sys.argv[2:] if name.lower() == code)
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{sys.argv[1]}</Message></Error>".encode()
        self.send_response(int(status))
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = answer
    log_message = lambda *_: None

server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
print(server.server_port, flush=True)
server.serve_forever()
"""


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """S3 that refuses requests with the status and code in the bucket's name; a process: clients may hold the GIL."""
    process = subprocess.Popen([sys.executable, "-c", SERVER, DENIAL, *CASES], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    process.kill()
    process.wait()


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "y")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


def assert_tells(error: BaseException, words: str, uri: str) -> None:
    """Whether the error, or what is made of it, names cause and place, and no damage."""
    text = str(error) if isinstance(error, NdrError) else str(unreadable("fg_a", uri, error))  # type: ignore[arg-type]
    assert words in text, text
    assert not [word for word in ("rebuild", "restore", "delete") if word in text.lower()], text


@pytest.mark.parametrize("code", CASES)
def test_a_refusal_of_s3_is_told_by_every_library(
    session: SparkSession, endpoint: str, environment: pytest.MonkeyPatch, code: str
) -> None:
    status, words = CASES[code]
    environment.setenv("AWS_ENDPOINT_URL", endpoint)
    bucket = unique(f"{status}-{code.lower()}")
    uri = f"s3://{bucket}/lake"
    lake = Lake(uri, SPEC, Engine("sail", session=session))
    for use in (
        lambda: clear_up(lake),
        lambda: lake.exists("fg_a"),
        lambda: lake.arrow("fg_a"),
        lambda: Folder(uri).write("name", b"x"),
    ):
        with pytest.raises(NdrError) as caught:
            use()
        assert_tells(caught.value, words, uri)
        assert endpoint in str(caught.value)
        assert (f": {DENIAL}" in str(caught.value)) == (code == "AccessDenied"), str(caught.value)
    with pytest.raises(NdrError) as caught, aws_errors("no"):
        client("s3").list_objects_v2(Bucket=bucket)
    assert code in str(caught.value)


def test_an_endpoint_that_does_not_answer(session: SparkSession, environment: pytest.MonkeyPatch) -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    environment.setenv("AWS_ENDPOINT_URL", endpoint)
    uri = f"s3://{unique('gone')}/lake"
    with pytest.raises(StorageError) as caught:
        clear_up(Lake(uri, SPEC, Engine("sail", session=session)))
    assert_tells(caught.value, f"{endpoint} does not answer", uri)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("failed to lookup address information: Name or service not known", "the host of"),
        ("curlCode: 6, Could not resolve hostname; Details: Could not resolve host: x", "the host of"),
        ("request forbidden: IMDS is disabled or the caller has insufficient permissions.", "no AWS credentials"),
        ("Server returned non-2xx status code: 403 Forbidden: ", "denied access"),
        ("The bucket is in this region: eu-west-1 PermanentRedirect", "not in region"),
    ],
)
def test_what_the_engine_says_of_s3(said: str, words: str) -> None:
    assert_tells(PySparkException(said), words, "s3://bucket/lake")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("IO error: No space left on device (os error 28)", "is full"),
        ("[Errno 30] Read-only file system: '/lake/x'", "read-only file system"),
        ("Permission denied (os error 13)", "no permission"),
    ],
)
def test_what_the_disk_says(said: str, words: str) -> None:
    found = failure_of(said, "/lake")
    assert found and words in found.cause and "/lake" in found.cause


def test_other_errors_are_no_failures_of_storage() -> None:
    assert failure_of("KeyError: 'sessions_cnt'", "/lake") is None
    assert failure_of("KeyError: 'sessions_cnt'", "s3://bucket/lake") is None


def test_a_lake_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="is a file"):
        require_writable(str(tmp_path / "file" / "lake"))
    require_writable(str(tmp_path / "new" / "lake"))
