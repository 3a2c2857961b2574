"""The server process of a local AWS: find, start and stop it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common.runtime.programs import scripts_folder
from localaws.cli.errors import LocalAwsError
from localaws.server.settings import REGION, aws_environment

REPOSITORY = Path(__file__).resolve().parents[2]
SERVER = "localaws.server.server"
START_SECONDS = 60.0
STOP_SECONDS = 60.0
HEALTH_SECONDS = 5.0
DEFAULT_PORT = 4566


def interpreter() -> Path:
    """The Python of the environment with ministack.

    Raises:
        LocalAwsError: the environment does not exist.
    """
    if not (REPOSITORY / "pyproject.toml").exists():
        raise LocalAwsError(
            "the local AWS runs from a checkout of the repository only, and this is an installed package",
            "Clone the repository, run make setup there, and use its .venv/bin/ndr-local",
        )
    named = os.environ.get("NDR_LOCAL_PYTHON")
    path = Path(named) if named else REPOSITORY / ".venv-local" / "bin" / "python"
    if not path.exists():
        raise LocalAwsError(f"the environment of the local AWS is missing: {path}", "Create it with: make setup")
    return path


def _health(port: int) -> dict[str, Any] | None:
    """The health document of the local AWS on a port; None if there is none."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_ndr/health", timeout=HEALTH_SECONDS) as response:
            found = json.load(response)
    except (urllib.error.URLError, OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "home" in found else None


def _listens(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _last_port(home: Path) -> int | None:
    try:
        return int(json.loads((home / "server.json").read_text())["port"])
    except FileNotFoundError:
        return None


@dataclass(frozen=True)
class LocalAws:
    """The local AWS of one home folder; `start` runs it."""

    home: Path
    port: int = DEFAULT_PORT
    step_bin: Path = field(default_factory=scripts_folder)
    variables: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, home: Path) -> LocalAws:
        """The local AWS last started in a home folder.

        Raises:
            LocalAwsError: none was started there.
        """
        port = _last_port(home)
        if port is None:
            raise LocalAwsError(f"no local AWS was started in {home}", f"Start one with: ndr-local up --home {home}")
        return cls(home.resolve(), port)

    @classmethod
    def last_port(cls, home: Path) -> int:
        """The port of the last start in a home folder, or the default."""
        return _last_port(home) or DEFAULT_PORT

    @property
    def endpoint(self) -> str:
        """The endpoint URL of all services."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log_path(self) -> Path:
        """The server's log file."""
        return self.home / "server.log"

    @property
    def environment(self) -> dict[str, str]:
        """Variables that point the AWS tools and SDKs of a process to this server."""
        return aws_environment(self.endpoint)

    def client(self, service: str) -> Any:
        """A boto3 client for a service of this server."""
        import boto3

        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def pid(self) -> int | None:
        """The process id of the running server of this home; None if it does not run."""
        found = _health(self.port)
        if found is None or Path(found["home"]) != self.home.resolve():
            return None
        return int(found["pid"])

    def start(self) -> bool:
        """Starts the server and waits until it answers; False if it was running.

        Raises:
            LocalAwsError: the port is taken, or the server does not start.
        """
        if _listens(self.port):
            other = _health(self.port)
            if other and Path(other["home"]) == self.home.resolve():
                return False
            user = f"the local AWS in {other['home']}" if other else "another program"
            raise LocalAwsError(f"port {self.port} is used by {user}", "Stop it, or choose another port with --port")
        program = interpreter()
        self.home.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            process = subprocess.Popen(
                [str(program), "-m", SERVER],
                env={**os.environ, **self.variables, **self._server_variables()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait_until_up(process)
        (self.home / "server.json").write_text(json.dumps({"pid": process.pid, "port": self.port}))
        return True

    def _server_variables(self) -> dict[str, str]:
        return {
            "NDR_LOCAL_HOME": str(self.home.resolve()),
            "NDR_STEP_BIN": str(self.step_bin),
            "GATEWAY_PORT": str(self.port),
            "PYTHONPATH": str(REPOSITORY),
        }

    def _wait_until_up(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while self.pid() != process.pid:
            if process.poll() is not None:
                raise LocalAwsError(f"the local AWS did not start: {self._last_line()}", f"See {self.log_path}")
            if time.monotonic() > deadline:
                process.kill()
                raise LocalAwsError(f"the local AWS did not answer within {START_SECONDS:g} s", f"See {self.log_path}")
            time.sleep(0.05)

    def _last_line(self) -> str:
        lines = self.log_path.read_text(errors="replace").splitlines()
        return lines[-1] if lines else "its log is empty"

    def stop(self) -> bool:
        """Stops the server, which stops its steps and saves its state; False if it was not running.

        Raises:
            LocalAwsError: the server does not stop.
        """
        pid = self.pid()
        if pid is None:
            return False
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while _alive(pid):
            if time.monotonic() > deadline:
                raise LocalAwsError(f"the local AWS (process {pid}) does not stop", f"See {self.log_path}")
            time.sleep(0.05)
        return True


def _alive(pid: int) -> bool:
    """Whether the process runs; reaps it if it is a finished child of this process."""
    try:
        if os.waitpid(pid, os.WNOHANG) != (0, 0):
            return False
    except ChildProcessError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
