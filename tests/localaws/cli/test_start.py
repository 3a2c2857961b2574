"""On which port a local AWS starts."""

from __future__ import annotations

import os
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from localaws.cli.errors import LocalAwsError
from localaws.cli.start import start
from tests.localaws.running import free_port

pytestmark = pytest.mark.slow


def test_without_a_port_it_takes_one_that_is_free_and_stays_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        monkeypatch.setattr("localaws.cli.process.DEFAULT_PORT", taken)
        local, started = start(home, None, {})
        try:
            assert started and taken < local.port < taken + 100
            assert f"port {taken} is used by another program, process {os.getpid()} " in capsys.readouterr().err
            again, started = start(home, None, {})
            assert (again.port, started) == (local.port, False)
            with pytest.raises(LocalAwsError, match=f"runs on port {local.port}, not on {taken}.*ndr-local down"):
                start(home, taken, {})
        finally:
            local.stop()
    restarted, started = start(home, None, {})
    restarted.stop()
    assert (restarted.port, started) == (local.port, True)


def test_a_port_that_is_asked_for_is_taken_or_refused(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(LocalAwsError, match="is used by another program"):
            start(tmp_path, other.getsockname()[1], {})
    assert not any(tmp_path.iterdir())


def test_what_fails_for_another_reason_is_not_tried_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(LocalAwsError, match="NDR_STEPS=lambda is unknown"):
        start(tmp_path, None, {"NDR_STEPS": "lambda"})


def test_two_that_start_at_once_take_two_ports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("localaws.cli.process.DEFAULT_PORT", free_port())
    with ThreadPoolExecutor(2) as both:
        found = [local for local, _ in both.map(lambda name: start(tmp_path / name, None, {}), ["one", "two"])]
    try:
        assert len({local.port for local in found}) == 2
        assert [local.pid() is not None for local in found] == [True, True]
    finally:
        for local in found:
            local.stop()
