"""Ports of this machine: which are free, and who listens on the others."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

DEFAULT_PORT = 4566
TRIED = 100
_LISTENING = "0A"


def listens(port: int) -> bool:
    """Whether a program listens on the port of 127.0.0.1."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_ports(first: int) -> Iterator[int]:
    """The ports on which nobody listens, of a hundred from the first on."""
    return (port for port in range(first, min(first + TRIED, 65536)) if not listens(port))


@dataclass(frozen=True)
class Process:
    """A process of this machine."""

    folder: Path
    name: str

    def __str__(self) -> str:
        return f"process {self.folder.name} ({self.name})"

    def variable(self, name: str) -> str | None:
        """A variable that it was started with; None if there is none, or the process is another user's."""
        with suppress(OSError):
            for entry in (self.folder / "environ").read_bytes().split(b"\0"):
                key, _, value = entry.partition(b"=")
                if key == name.encode():
                    return value.decode(errors="replace")
        return None


def listener(port: int) -> Process | None:
    """The process that listens on the port; None where the system does not say."""
    sockets = {f"socket:[{number}]" for number in _sockets(port)}
    for folder in Path("/proc").glob("[0-9]*") if sockets else ():
        with suppress(OSError):  # of another user, or gone
            if any(str(entry.readlink()) in sockets for entry in (folder / "fd").iterdir()):
                return Process(folder, (folder / "comm").read_text().strip())
    return None


def _sockets(port: int) -> Iterator[str]:
    """The numbers of the sockets that listen on the port."""
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in Path("/proc/net", table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                    yield fields[9]
