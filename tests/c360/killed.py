"""Runs a command until the Nth moment at which it is about to change something, and kills it there.

    python -m tests.c360.killed N FOLDER MODULE [ARGUMENT]...

It changes something where it writes, renames or removes a file below the folder, and, in the warehouse, where it
executes a statement. A command that changes fewer things runs to its end.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.checkout import ROOT
from tests.commands import Argument

CHANGES = {"os.rename", "os.remove", "os.link", "os.mkdir", "os.rmdir", "os.truncate", "os.utime"}
WRITING = os.O_WRONLY | os.O_RDWR


def run_until(moment: int, folder: Path, module: str, *arguments: Argument) -> bool:
    """Whether the command was killed; else it ended well."""
    line = [sys.executable, "-m", "tests.c360.killed", str(moment), str(folder), module, *map(str, arguments)]
    ended = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode in (0, -signal.SIGKILL), ended.stderr[-3000:]
    return ended.returncode != 0


def main() -> None:
    """Runs the command of the arguments."""
    moment, folder, module, *arguments = sys.argv[1:]
    left = int(moment)

    def changing() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def heard(event: str, values: tuple[Any, ...]) -> None:
        is_change = event in CHANGES or (event == "open" and isinstance(values[2], int) and values[2] & WRITING)
        if is_change and any(isinstance(value, str) and value.startswith(folder) for value in values):
            changing()

    command = import_module(module).main
    if module == "jobs.c360_warehouse.cli":
        from jobs.c360_warehouse.database import Warehouse

        execute = Warehouse.execute

        def executed(self: Warehouse, *given: Any) -> Any:
            changing()
            return execute(self, *given)

        setattr(Warehouse, "execute", executed)  # noqa: B010 - a method, to mypy
    sys.addaudithook(heard)
    command(arguments)


if __name__ == "__main__":
    main()
