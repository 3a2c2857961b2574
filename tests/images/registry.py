"""A registry with a password, as ECR is one, on this machine."""

from __future__ import annotations

import random
import socket
import string
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CONFIGURATION = """
version: 0.1
log: {{level: warn}}
storage: {{filesystem: {{rootdirectory: {folder}/data}}}}
http: {{addr: 127.0.0.1:{port}}}
auth: {{htpasswd: {{realm: ecr, path: {folder}/users}}}}
"""


@contextmanager
def running_registry(folder: Path, user: str, password: str) -> Iterator[str]:
    """The address of a registry that knows one user."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder.mkdir()
    (folder / "users").write_text(f"{user}:{_bcrypt(password)}\n")
    (folder / "registry.yml").write_text(CONFIGURATION.format(folder=folder, port=port))
    with subprocess.Popen(["docker-registry", "serve", folder / "registry.yml"], stderr=subprocess.DEVNULL) as process:
        try:
            _wait(port)
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()


def _bcrypt(password: str) -> str:
    """The hash that the registry wants; Python has no such function, Debian's Perl always has."""
    salt = "$2b$05$" + "".join(random.choices(string.ascii_letters + string.digits, k=22))
    command = ["perl", "-e", "print crypt($ARGV[0], $ARGV[1])", password, salt]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _wait(port: int) -> None:
    for _ in range(100):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=1)
        except urllib.error.HTTPError as error:
            assert error.code == 401
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the registry did not start")
