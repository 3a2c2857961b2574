"""Processes of steps and jobs: each is a process group that is stopped as a whole and never left behind."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from localaws.processes.activity import Activity
from localaws.processes.metrics import MetricLog
from localaws.processes.slots import Slots
from localaws.server.settings import Settings
from localaws.state.store import Store

if TYPE_CHECKING:  # it needs ministack, which what uses commands alone does without
    from localaws.authorization.sessions import Session, Sessions

KIND = "process"
_ERROR_LINE = re.compile(r"^\s*error: .*$", re.IGNORECASE | re.MULTILINE)
_TAIL_BYTES = 65536


@dataclass(frozen=True)
class Command:
    """A program to run: arguments, environment, working folder and log file, and the role that it works with."""

    name: str
    arguments: tuple[str, ...]
    environment: dict[str, str]
    folder: Path
    log: Path
    role: str = ""
    container: str | None = None
    timeout_seconds: float | None = None


@dataclass(frozen=True)
class Outcome:
    """How a process ended: exit code (None if it never ran), whether it was stopped or timed out, and its last line."""

    exit_code: int | None
    stopped: bool = False
    timed_out: bool = False
    message: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether it exited with code 0 without being stopped."""
        return self.exit_code == 0 and not self.stopped and not self.timed_out


class Job:
    """One process, from the queue to its end."""

    def __init__(self, command: Command, processes: Processes) -> None:
        self._command = command
        self._processes = processes
        self._stopped = threading.Event()
        self._timed_out = False
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, started: Callable[[], None] | None = None) -> Outcome:
        """Waits for a slot, calls `started`, and runs the process to its end."""
        if not self._processes.slots.take(self._stopped):
            return Outcome(None, stopped=True)
        try:
            if started is not None:
                started()
            return self._run()
        finally:
            self._processes.slots.give_back()

    def _run(self) -> Outcome:
        with self._lock:
            if self._stopped.is_set():
                return Outcome(None, stopped=True)
            metrics = MetricLog(self._command.log)
            try:
                process = self._processes.spawn(self._command)
            except OSError as error:
                return Outcome(None, message=f"{self._command.arguments[0]} cannot be run: {error.strerror}")
            self._process = process
        outcome = self._wait(process)
        metrics.publish()
        return outcome

    def _wait(self, process: subprocess.Popen[bytes]) -> Outcome:
        limit = self._command.timeout_seconds
        timer = threading.Timer(limit, self._end_after_timeout) if limit else None
        if timer:
            timer.daemon = True
            timer.start()
        self._processes.in_slots.add(process.pid)
        code = self._processes.wait(process)
        self._processes.in_slots.discard(process.pid)
        if timer:
            timer.cancel()
        stopped = self._stopped.is_set() and not self._timed_out
        return Outcome(code, stopped, self._timed_out, last_message(self._command.log))

    def _end_after_timeout(self) -> None:
        self._timed_out = True
        self.stop()

    def stop(self) -> None:
        """Sends SIGTERM to the group, and SIGKILL after the grace time; a queued process never starts."""
        with self._lock:
            self._stopped.set()
            process = self._process
        if process is None or process.poll() is not None:
            return
        grace = self._processes.settings.step_grace_seconds
        if self._command.container:
            command = ["docker", "stop", "-t", f"{grace:.0f}", self._command.container]
            threading.Thread(target=subprocess.run, args=(command,), kwargs={"capture_output": True}).start()
            return
        signal_group(process.pid, signal.SIGTERM)
        killer = threading.Timer(grace, _kill_unless_ended, (process,))
        killer.daemon = True
        killer.start()


class Processes:
    """All processes of this server; the store records them for the next server to end those a killed one left."""

    def __init__(self, settings: Settings, store: Store, sessions: Sessions) -> None:
        self.settings = settings
        self.slots = Slots(settings.step_slots, self._idle)
        self._store = store
        self.sessions = sessions
        self._open: dict[int, Session] = {}
        self._activity = Activity()
        self.in_slots: set[int] = set()

    def job(self, command: Command) -> Job:
        """A job for the command, not yet started."""
        return Job(command, self)

    def spawn(self, command: Command) -> subprocess.Popen[bytes]:
        """The process of the command, a group of its own, recorded as running; raises OSError if it cannot be run."""
        command.folder.mkdir(parents=True, exist_ok=True)
        command.log.parent.mkdir(parents=True, exist_ok=True)
        with command.log.open("ab") as log, self.sessions.starting(command.role, command.folder.name) as session:
            process = subprocess.Popen(
                command.arguments,
                env=session.environment(command.environment) if session else command.environment,
                cwd=command.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                umask=self.settings.step_umask,
                start_new_session=True,
            )
        record = {"started": start_of(process.pid), "name": command.name, "container": command.container}
        self._store.put(KIND, str(process.pid), record)
        if session:
            self._open[process.pid] = session
        return process

    def wait(self, process: subprocess.Popen[bytes]) -> int:
        """The exit code of a process, once it has ended, and with it its group."""
        code = process.wait()
        # as in a container, no process outlives the first one
        signal_group(process.pid, signal.SIGKILL)
        self._store.delete(KIND, str(process.pid))
        if session := self._open.pop(process.pid, None):
            self.sessions.close(session)
        return code

    def _idle(self) -> int:
        """The number of processes in slots that only wait; unknown, and so 0, for containers."""
        return 0 if self.settings.steps == "docker" else self._activity.idle(list(self.in_slots))

    def end_orphans(self) -> list[str]:
        """Kills processes left by a killed server; returns their names."""
        ended = []
        for key, record in self._store.documents(KIND).items():
            pid = int(key)
            if record["started"] and start_of(pid) == record["started"]:
                signal_group(pid, signal.SIGKILL)
                ended.append(str(record["name"]))
            if record["container"]:
                subprocess.run(["docker", "kill", record["container"]], capture_output=True, check=False)
            self._store.delete(KIND, key)
        return ended


def signal_group(pid: int, number: signal.Signals) -> None:
    """Sends a signal to a process and its descendants, if they still run."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _kill_unless_ended(process: subprocess.Popen[bytes]) -> None:
    if process.returncode is None:
        signal_group(process.pid, signal.SIGKILL)


def start_of(pid: int) -> str | None:
    """The start time of a process in the system's format, since process ids are reused; None if it does not exist."""
    stat = Path(f"/proc/{pid}/stat")
    if stat.parent.parent.joinpath("self").exists():
        try:
            return stat.read_text().rpartition(")")[2].split()[19]
        except OSError:
            return None
    found = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout.strip() or None


def last_message(log: Path) -> str:
    """The last line of a log that starts with `error:`, else its last line."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        text = file.read().decode(errors="replace")
    errors = _ERROR_LINE.findall(text)
    if errors:
        return str(errors[-1]).strip()
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else ""
