"""A small network's logs, and the commands as users run them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands import command_line

Command = Callable[..., "subprocess.CompletedProcess[str]"]

START = "2026-03-03T00:08Z"
DAY = f"{START}/2026-03-04T00:08Z"
NOON = "2026-03-03T12:08Z"


@pytest.fixture(scope="session")
def command() -> Command:
    def run(name: str, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command_line(name, *arguments),
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **environment},
        )

    return run


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory, command: Command) -> Path:
    """One simulated day of ten hosts."""
    folder = tmp_path_factory.mktemp("logs") / "scenario"
    made = command("ndr-simulate", "--out", folder, "--hosts", "10", "--days", "1", "--intensity", "0.2")
    assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture(scope="session")
def slices(tmp_path_factory: pytest.TempPathFactory, command: Command, logs: Path) -> Path:
    """A lake with the slices and features of that day; tests that write take a copy."""
    lake = tmp_path_factory.mktemp("slices") / "lake"
    for name, *more in (("ndr-delta", "--input", logs), ("ndr-pair-counts",), ("ndr-fg-a",)):
        done = command(name, "--window", DAY, "--lake", lake, *more)
        assert done.returncode == 0, done.stderr
    return lake
