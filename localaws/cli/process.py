"""The server process of a local AWS: find, start and stop it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common import RUN_VARIABLE
from common.retries import polled
from common.runtime.events import LEVEL_VARIABLE
from common.runtime.output import activity
from common.runtime.programs import scripts_folder
from localaws.cli.errors import LocalAwsError, PortTakenError
from localaws.cli.ports import DEFAULT_PORT, listener, listens
from localaws.cli.private_files import make_private, private_append, write_private
from localaws.credential import Credential
from localaws.server.settings import HEALTH_PATH, PORT_TAKEN_CODE, REGION, SERVER_HEADER, aws_environment

REPOSITORY = Path(__file__).resolve().parents[2]
SERVER = "localaws.server.server"
START_SECONDS = 60.0
STOP_SECONDS = 60.0
POLL_SECONDS = 0.05
HEALTH_SECONDS = 5.0
HOME_VARIABLE = "NDR_LOCAL_HOME"
_ELSEWHERE = "another home folder, or with another credential"


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


@dataclass(frozen=True)
class Health:
    """What answers on a port: process and home folder, None if it is a local AWS with another credential.

    A server of an earlier release, which checks no credential, names none: `key_id` is None.
    """

    pid: int | None = None
    home: Path | None = None
    key_id: str | None = None


def _health(port: int, credential: Credential | None) -> Health | None:
    """The local AWS on a port; None if there is none."""
    request = _signed_get(f"http://127.0.0.1:{port}{HEALTH_PATH}", credential)
    try:
        with urllib.request.urlopen(request, timeout=HEALTH_SECONDS) as response:
            found = json.load(response)
    except urllib.error.HTTPError as error:
        return Health() if error.headers.get("server") == SERVER_HEADER else None
    except (urllib.error.URLError, OSError, ValueError):
        return None
    if not isinstance(found, dict) or "home" not in found:
        return None
    return Health(int(found["pid"]), Path(found["home"]), found.get("key_id"))


def _signed_get(url: str, credential: Credential | None) -> urllib.request.Request:
    """A request signed with the credential, if there is one."""
    if credential is None:
        return urllib.request.Request(url)
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    signed = AWSRequest("GET", url)
    SigV4Auth(Credentials(credential.key_id, credential.secret), SERVER_HEADER, REGION).add_auth(signed)
    return urllib.request.Request(url, headers=dict(signed.headers))


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
        """Variables that point the AWS tools and SDKs of a process to this server.

        Raises:
            CredentialError: the home folder has no credential: no server of this release was started there.
        """
        return aws_environment(self.endpoint, Credential.of(self.home))

    def client(self, service: str) -> Any:
        """A boto3 client for a service of this server."""
        import boto3

        credential = Credential.of(self.home)
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=credential.key_id,
            aws_secret_access_key=credential.secret,
        )

    def _own_health(self) -> Health | None:
        found = _health(self.port, Credential.find(self.home))
        return found if found and found.home == self.home.resolve() else None

    def pid(self) -> int | None:
        """The process id of the running server of this home; None if it does not run."""
        found = self._own_health()
        return found.pid if found else None

    def start(self) -> bool:
        """Starts the server and waits until it answers; False if it was running.

        Raises:
            LocalAwsError: the port is taken, or the server does not start.
        """
        if listens(self.port):
            self._check_running()
            return False
        program = interpreter()
        make_private(self.home)
        Credential.make(self.home)
        with private_append(self.log_path) as log:
            process = subprocess.Popen(
                [str(program), "-m", SERVER],
                env=_lasting(os.environ) | {**self.variables, **self._server_variables()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait_until_up(process)
        write_private(self.home / "server.json", json.dumps({"pid": process.pid, "port": self.port}))
        return True

    def _check_running(self) -> None:
        """Raises LocalAwsError unless the port is used by this home's server, of a release that checks credentials."""
        if (own := self._own_health()) and own.key_id is None:
            raise LocalAwsError(
                f"{self.endpoint} is of an earlier release, which answers everybody",
                f"Stop it with ndr-local down --home {self.home}, and repeat ndr-local up",
            )
        if own is None:
            raise LocalAwsError(
                f"port {self.port} is used by {self.user_of_port()}",
                "Stop it, or leave the port out: the next one that is free is taken",
            )

    def user_of_port(self) -> str:
        """Who listens on the port, when it is not this home's server."""
        process = listener(self.port)
        if other := _health(self.port, Credential.find(self.home)):
            return f"the local AWS in {other.home or (process and process.variable(HOME_VARIABLE)) or _ELSEWHERE}"
        return f"another program, {process}" if process else "another program"

    def _server_variables(self) -> dict[str, str]:
        return {
            HOME_VARIABLE: str(self.home.resolve()),
            "NDR_STEP_BIN": str(self.step_bin),
            "GATEWAY_PORT": str(self.port),
            "PYTHONPATH": str(REPOSITORY),
        }

    def _wait_until_up(self, process: subprocess.Popen[bytes]) -> None:
        def is_up() -> bool | None:
            """None while it may come to answer."""
            return self.pid() == process.pid or (None if process.poll() is None else False)

        with activity("starting"):
            answered = polled("the local AWS", is_up, first_pause_seconds=POLL_SECONDS, seconds=START_SECONDS)
        if answered is None:
            process.kill()
            raise LocalAwsError(f"the local AWS did not answer within {START_SECONDS:g} s", f"See {self.log_path}")
        if not answered:
            line = self._last_line()
            kind = PortTakenError if process.returncode == PORT_TAKEN_CODE else LocalAwsError
            raise kind(f"the local AWS did not start: {line}", f"See {self.log_path}")

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
        with activity("stopping"):
            has_ended = polled(
                f"the end of the local AWS (process {pid})",
                lambda: None if _alive(pid) else True,
                first_pause_seconds=POLL_SECONDS,
                seconds=STOP_SECONDS,
            )
        if not has_ended:
            raise LocalAwsError(f"the local AWS (process {pid}) does not stop", f"See {self.log_path}")
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


def _lasting(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without what belongs to the run that starts the server; later runs are not part of it."""
    return {name: value for name, value in environment.items() if name not in (RUN_VARIABLE, LEVEL_VARIABLE)}
