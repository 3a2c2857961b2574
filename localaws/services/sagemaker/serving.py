"""The process of an endpoint: the image of its model, which serves the model's folder on a port of this machine."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from localaws.authorization.services import check_model
from localaws.processes.jobs import Command, Processes, last_message, signal_group
from localaws.processes.programs import ProgramError, check_program, check_variables
from localaws.server.settings import Settings
from localaws.services.sagemaker.commands import command, image_name
from localaws.state.s3_client import Objects

HOST = "127.0.0.1"
START_SECONDS = 480.0
"""How long a container may take until it answers a ping, as on AWS."""
ANSWER_SECONDS = 60.0
PAUSE_SECONDS = 0.1


@dataclass(frozen=True)
class Answer:
    """What a container answered."""

    status: int
    content_type: str
    content: bytes


def check(settings: Settings, container: Mapping[str, Any]) -> None:
    """Refuses what cannot be served here.

    Raises:
        ProgramError: the image is not that of a stage, the variables are not its own, or the model is an archive.
    """
    check_program(image_name(str(container.get("Image", ""))), settings.step_commands)
    check_variables(container.get("Environment") or {})
    source = (container.get("ModelDataSource") or {}).get("S3DataSource") or {}
    if source.get("CompressionType") != "None":
        raise ProgramError("the local AWS serves a model from a folder only: ModelDataSource with CompressionType None")


def serving_command(settings: Settings, model: Mapping[str, Any], place: Path, objects: Objects) -> Command:
    """The command that serves a model with its role, once its files are brought from S3; its last word is the port.

    Raises:
        ProgramError: the folder of the model has no file, or the role may not have image and files.
        ObjectError: a file cannot be read.
    """
    container, role = model["PrimaryContainer"], str(model.get("ExecutionRoleArn", ""))
    source = container["ModelDataSource"]["S3DataSource"]["S3Uri"]
    folder = settings.home / "scratch" / place / "model"
    found = objects.list(source)
    if settings.roles:
        bucket, _, prefix = source.removeprefix("s3://").partition("/")
        check_model(role, container["Image"], bucket, prefix, [uri.removeprefix(f"s3://{bucket}/") for uri in found])
    if not found:
        raise ProgramError(f"Could not find model data at {source}.")
    for uri in found:
        file = (folder / uri.removeprefix(source)).resolve()
        if not file.is_relative_to(folder.resolve()):
            raise ProgramError(f"{uri} is not below {source}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(objects.get(uri))
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = str(probe.getsockname()[1])
    words = ["serve", "--model-folder", str(folder), "--address", HOST, "--port", port]
    specification = {"ImageUri": container["Image"], "ContainerArguments": words}
    arguments = {"AppSpecification": specification, "Environment": container.get("Environment")}
    mounted = replace(settings, step_mounts=(*settings.step_mounts, folder))
    return command(mounted, arguments, place, f"endpoint {place.parent.name}", role)


class Serving:
    """A running process of an endpoint; raises OSError if it cannot be run."""

    def __init__(self, command: Command, processes: Processes) -> None:
        self._command = command
        self._address = f"http://{HOST}:{command.arguments[-1]}"
        self._grace_seconds = processes.settings.step_grace_seconds
        self._process = processes.spawn(command)
        self._stopped = False
        self._watcher = threading.Thread(target=processes.wait, args=(self._process,), daemon=True)
        self._watcher.start()

    def problem(self) -> str:
        """Why the container does not serve; empty once it has answered a ping."""
        deadline = time.monotonic() + START_SECONDS
        while self._process.returncode is None and not self._stopped and time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                if self._ask("/ping").status == 200:
                    return ""
            time.sleep(PAUSE_SECONDS)
        said = last_message(self._command.log)
        return f"The primary container did not pass the ping health check. Its log ends with: {said}"

    def invoke(self, body: bytes, content_type: str) -> Answer:
        """The answer to a request; raises OSError if there is none."""
        return self._ask("/invocations", body, content_type)

    def stop(self) -> None:
        """Ends the process, and waits for its end."""
        self._stopped = True
        if self._process.returncode is None:
            signal_group(self._process.pid, signal.SIGTERM)
        self._watcher.join(self._grace_seconds)
        signal_group(self._process.pid, signal.SIGKILL)
        self._watcher.join()

    def _ask(self, path: str, body: bytes | None = None, content_type: str = "") -> Answer:
        request = urllib.request.Request(f"{self._address}{path}", body, {"Content-Type": content_type})
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as found:
                return Answer(found.status, found.headers["Content-Type"], found.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers["Content-Type"], error.read())
