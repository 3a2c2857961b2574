"""Starting and stopping the server process."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from localaws.cli.errors import LocalAwsError
from localaws.cli.process import LocalAws
from localaws.credential import FILE_NAME, CredentialError
from tests.localaws.running import free_port, new_local_aws, running_local_aws


def test_starts_once_and_stops_once(tmp_path: Path) -> None:
    local = new_local_aws(tmp_path)
    try:
        assert local.start() is True
        assert local.start() is False
        assert LocalAws.of(tmp_path).pid() == local.pid()
        assert local.client("s3").list_buckets()["Buckets"] == []
    finally:
        assert local.stop() is True
    assert local.stop() is False
    assert local.pid() is None


@pytest.mark.slow
def test_a_port_of_another_program_is_refused(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        local = LocalAws(tmp_path, other.getsockname()[1])
        with pytest.raises(
            LocalAwsError, match=f"port {local.port} is used by another program, process {os.getpid()} "
        ):
            local.start()


@pytest.mark.slow
def test_a_port_of_another_home_is_refused(tmp_path: Path) -> None:
    first = new_local_aws(tmp_path / "first")
    first.start()
    try:
        with pytest.raises(LocalAwsError, match=f"used by the local AWS in {tmp_path / 'first'}"):
            LocalAws(tmp_path / "second", first.port).start()
    finally:
        first.stop()


@contextmanager
def earlier_release(home: Path) -> Iterator[LocalAws]:
    """What answers on the port of a home whose server, of an earlier release, checks no credential."""

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"pid": os.getpid(), "home": str(home), "port": 0}).encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        home.mkdir()
        (home / "server.json").write_text(json.dumps({"pid": os.getpid(), "port": server.server_port}))
        yield LocalAws(home, server.server_port)
        server.shutdown()


def test_a_server_of_an_earlier_release_must_be_stopped_first(tmp_path: Path) -> None:
    with earlier_release(tmp_path / "home") as local:
        assert local.pid() == os.getpid()  # so that ndr-local down stops it
        with pytest.raises(LocalAwsError, match="earlier release, which answers everybody"):
            local.start()
        with pytest.raises(CredentialError, match="has no credential of a local AWS"):
            local.client("s3")
        with pytest.raises(LocalAwsError, match=f"used by the local AWS in {local.home}"):
            LocalAws(tmp_path / "other", local.port).start()


def test_a_home_that_has_lost_its_credential_says_so(tmp_path: Path) -> None:
    with running_local_aws(tmp_path / "home") as local:
        kept = (local.home / FILE_NAME).rename(tmp_path / "kept")
        assert local.pid() is None
        with pytest.raises(LocalAwsError, match=f"used by the local AWS in {local.home}"):
            local.start()
        kept.rename(local.home / FILE_NAME)


def test_a_missing_environment_says_how_to_make_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NDR_LOCAL_PYTHON", str(tmp_path / "python"))
    with pytest.raises(LocalAwsError, match="make setup"):
        LocalAws(tmp_path, free_port()).start()


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    local = new_local_aws(tmp_path, NDR_STEPS="lambda")
    with pytest.raises(LocalAwsError, match="NDR_STEPS=lambda is unknown"):
        local.start()


def test_a_home_that_was_never_started_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LocalAwsError, match="ndr-local up"):
        LocalAws.of(tmp_path)
