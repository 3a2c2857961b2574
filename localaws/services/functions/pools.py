"""The processes of all functions: those that wait for an invocation are used again."""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
import threading
import time
from collections.abc import Mapping
from typing import Any

from localaws.processes.jobs import Processes
from localaws.processes.programs import ProgramError
from localaws.services.functions.configuration import command
from localaws.services.functions.process import Answer, FunctionProcess, Invocation
from localaws.state.store import INTERRUPTED

PATH = "/_ndr/runtime/"
"""Where the Runtime API is; the secret of a process follows."""
_POLL_SECONDS = 0.05


class Pools:
    """Warm processes of functions, each with a secret by which it gets its invocations."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._settings = processes.settings
        self._lock = threading.Lock()
        self._running: dict[str, FunctionProcess] = {}
        self._idle: dict[tuple[str, str], list[FunctionProcess]] = {}
        self._closed = False

    @property
    def idle_seconds(self) -> float:
        """How long a process waits for an invocation until it is ended."""
        return self._settings.function_idle_seconds

    def invoke(self, config: Mapping[str, Any], event: Any, request: str) -> Answer:
        """The answer of a function to an event, in a process that waits for one, or else in a new one."""
        body, timeout = json.dumps(event).encode(), float(config.get("Timeout") or 3)
        invocation = Invocation(request, str(config["FunctionArn"]), body, timeout)
        key = (f"{config['FunctionName']}:{config.get('Version')}", str(config.get("RevisionId")))
        try:
            process = self._take(key) or self._start(config)
        except ProgramError as error:
            return invocation.error("Runtime.InvalidEntrypoint", str(error))
        except OSError as error:
            return invocation.error("Runtime.InvalidEntrypoint", f"{error.filename}: {error.strerror}".lower())
        answer = process.invoke(invocation)
        self._give_back(key, process)
        return answer

    def process_of(self, secret: str) -> FunctionProcess | None:
        """The running process with this secret; it may ask before it is known to have started."""
        with self._lock:
            return self._running.get(secret)

    def _take(self, key: tuple[str, str]) -> FunctionProcess | None:
        """A process that waits; those of an earlier revision of the function are ended."""
        with self._lock:
            self._end([found for found in self._idle if found[0] == key[0] and found != key])
            waiting = self._idle.get(key, [])
            while waiting:
                if (process := waiting.pop()).runs:
                    return process
        return None

    def _wait_until_served(self) -> None:
        """Waits until this server listens: the queues of its last run have messages before."""
        while not self._closed:
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", self._settings.port)).close()
                return
            time.sleep(_POLL_SECONDS)

    def _start(self, config: Mapping[str, Any]) -> FunctionProcess:
        self._wait_until_served()
        self._processes.sessions.check(str(config.get("Role", "")), "lambda.amazonaws.com")
        secret = secrets.token_urlsafe(32)
        address = f"127.0.0.1:{self._settings.port}{PATH}{secret}"
        ordered = command(self._settings, config, address, f"{config['FunctionName']}-{secrets.token_hex(8)}")
        with self._lock:
            if self._closed:
                raise ProgramError(INTERRUPTED)
            process = FunctionProcess(ordered, self._processes, lambda ended: self._forget(secret, ended))
            self._running[secret] = process
        return process

    def _forget(self, secret: str, process: FunctionProcess) -> None:
        self.retire(process)
        with self._lock:
            self._running.pop(secret, None)

    def _give_back(self, key: tuple[str, str], process: FunctionProcess) -> None:
        with self._lock:
            if process.runs:
                self._idle.setdefault(key, []).append(process)

    def retire(self, process: FunctionProcess) -> bool:
        """Whether a process waits for an invocation; if so, it gets none any more."""
        with self._lock:
            for waiting in self._idle.values():
                if process in waiting:
                    waiting.remove(process)
                    return True
        return False

    def end_idle(self, name: str) -> None:
        """Ends the waiting processes of a function, which has changed or is gone."""
        with self._lock:
            self._end([key for key in self._idle if key[0].partition(":")[0] == name])

    def _end(self, keys: list[tuple[str, str]]) -> None:
        for key in keys:
            for process in self._idle.pop(key):
                process.kill()

    def close(self) -> None:
        """Ends all processes when the server stops."""
        with self._lock:
            self._closed = True
            running = list(self._running.values())
        for process in running:
            process.kill()
        for process in running:
            process.join()
