"""A local AWS for a benchmark."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common.runtime.programs import scripts_folder
from localaws.cli.process import LocalAws


@contextmanager
def local_aws(home: Path, steps: Path, wait_scale: float) -> Iterator[LocalAws]:
    """A local AWS on a free port, whose steps are the commands in a folder; it ends with the block.

    Waits of its state machines take this part of their time.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    local = LocalAws(home, port, steps, {"SFN_WAIT_SCALE": str(wait_scale)})
    local.start()
    try:
        yield local
    finally:
        local.stop()


def run(local: LocalAws, command: str, *words: str) -> None:
    """Runs a command of the project against a local AWS; what it prints is dropped."""
    program = scripts_folder() / command
    environment = {**os.environ, **local.environment}
    subprocess.run([program, *words], env=environment, check=True, stdout=subprocess.DEVNULL)
