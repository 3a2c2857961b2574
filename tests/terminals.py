"""Commands on a terminal of their own, and what a person sees there."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOUR = re.compile(r"\x1b\[[0-9;]*(?:3[0-7]|9[0-7])m")


@dataclass(frozen=True)
class Shown:
    """How a command ended, all that it wrote to the terminal, and its stdout where that is a pipe."""

    code: int
    written: str
    stdout: str = ""

    @property
    def lines(self) -> list[str]:
        """The lines that stay on the screen: of text that returned to the start of its line, the last one."""
        return [
            CONTROL.sub("", re.split(r"\r(?:\x1b\[2K)?", line)[-1])
            for line in self.written.replace("\r\n", "\n").removesuffix("\n").split("\n")
        ]

    @property
    def moved(self) -> list[str]:
        """What the line that moves was, each time it was drawn."""
        return [CONTROL.sub("", text).strip() for text in re.split(r"\r\x1b\[2K|\n", self.written)]


def on_terminal(
    command: Sequence[str | Path],
    width: int = 100,
    stdout: int | None = None,
    **environment: str,
) -> Shown:
    """Runs the command with a terminal of that width as stderr, and as stdout unless `stdout` is subprocess.PIPE.

    The terminal is an xterm without other settings, changed by `environment`.
    """
    known = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    with subprocess.Popen(
        command, stdin=its, stdout=stdout or its, stderr=its, env={**known, "TERM": "xterm-256color", **environment}
    ) as process:
        os.close(its)
        written = b"".join(iter(lambda: _read(ours), b""))
        os.close(ours)
        found = process.stdout.read() if process.stdout else b""
    return Shown(process.returncode, written.decode(), found.decode())


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # nobody has it open any more
        return b""
