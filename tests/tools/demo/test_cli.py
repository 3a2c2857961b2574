"""What the demo refuses, before it does anything."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from tests.commands import call, command_line
from tools.demo.cli import main


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--lake", "s3://bucket/lake"], "s3://bucket/lake is not on this machine"),
        (["--lake", "gs://bucket/lake"], "unsupported scheme 'gs'"),
        (["--lake", "lake", "--input", "s3://bucket/logs"], "s3://bucket/logs is not on this machine"),
        (["--lake", "a-file"], "a-file is a file"),
    ],
)
def test_only_folders_of_this_machine_are_taken(
    arguments: list[str], problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a-file").touch()
    code, _, error = call(main, *arguments)
    assert code == 2 and problem in error
    assert [path.name for path in tmp_path.iterdir()] == ["a-file"]


@pytest.mark.slow
def test_a_port_that_is_taken_is_found_out_before_anything_is_simulated(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        arguments = ("--lake", f"file://{tmp_path}/lake", "--scenario", tmp_path / "scenario", "--aws-port", str(port))
        done = subprocess.run(command_line("ndr-demo", *arguments), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: port {port} is used by another program, process {os.getpid()} (")
    assert done.stderr.endswith("Stop it, or leave the port out: the next one that is free is taken\n")
    assert [path.name for path in tmp_path.iterdir()] == ["lake"]
