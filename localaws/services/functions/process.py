"""One process of a function: it fetches one invocation after the other, and posts the answer to each."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field
from typing import Any

from localaws.processes.jobs import Command, Processes, signal_group
from localaws.processes.metrics import MetricLog

START_SECONDS = 60.0
"""How long a process may take until it asks for its first invocation."""


@dataclass(frozen=True)
class Answer:
    """What a function answered, or why it did not; an error is a document with errorMessage and errorType."""

    document: Any
    failed: bool = False


@dataclass
class Invocation:
    """A request to a function, and what becomes of it; `begun` once its process has it, or it has its answer."""

    identifier: str
    arn: str
    event: bytes
    timeout_seconds: float
    deadline: float = 0.0
    begun: threading.Event = field(default_factory=threading.Event)
    answer: Future[Answer] = field(default_factory=Future)

    def begin(self) -> None:
        """Has the time run in which the function must answer."""
        self.deadline = time.time() + self.timeout_seconds
        self.begun.set()

    def settle(self, answer: Answer) -> bool:
        """Whether this is the answer: there is one only."""
        try:
            self.answer.set_result(answer)
        except InvalidStateError:
            return False
        self.begun.set()
        return True

    def error(self, kind: str, message: str) -> Answer:
        """An error of the service, as Lambda words it."""
        return Answer(
            {"errorType": kind, "errorMessage": f"RequestId: {self.identifier} Error: {message}"}, failed=True
        )


class FunctionProcess:
    """A running process of a function; it ends when it is killed, or by itself."""

    def __init__(self, command: Command, processes: Processes, ended: Callable[[FunctionProcess], None]) -> None:
        self._command = command
        self._processes = processes
        self._ended = ended
        self._offer: Future[Invocation] = Future()
        self._current: Invocation | None = None
        self._killed = False
        self._metrics = MetricLog(command.log)
        self._process = processes.spawn(command)
        self._watcher = threading.Thread(target=self._watch, name=command.name, daemon=True)
        self._watcher.start()

    @property
    def runs(self) -> bool:
        """Whether the process has not ended, and will not soon."""
        return self._process.returncode is None and not self._killed

    def invoke(self, invocation: Invocation) -> Answer:
        """The answer to an invocation; a process that does not give it in time is killed."""
        self._current = invocation
        with contextlib.suppress(InvalidStateError):
            self._offer.set_result(invocation)
        if self._process.returncode is not None:  # it ended before it could be seen to have an invocation
            self._end_invocation()
        invocation.begun.wait(START_SECONDS)
        try:
            return invocation.answer.result(max(invocation.deadline - time.time(), 0))
        except TimeoutError:
            invocation.settle(
                invocation.error("Sandbox.Timedout", f"Task timed out after {invocation.timeout_seconds:.2f} seconds")
            )
            self.kill()
            return invocation.answer.result()
        finally:
            self._current = None
            self._metrics.publish()

    async def next(self) -> Invocation:
        """The next invocation, once there is one; raises EOFError if the process ends before."""
        invocation = await asyncio.shield(asyncio.wrap_future(self._offer))
        self._offer = Future()
        invocation.begin()
        return invocation

    def settle(self, identifier: str | None, answer: Answer) -> bool:
        """Whether the invocation under way has this id, or any if it is None, and waited for this answer."""
        current = self._current
        return current is not None and identifier in (None, current.identifier) and current.settle(answer)

    def kill(self) -> None:
        """Ends the process and its descendants at once."""
        self._killed = True
        if self._process.returncode is None:
            signal_group(self._process.pid, signal.SIGKILL)

    def join(self) -> None:
        """Waits for the end."""
        self._watcher.join()

    def _watch(self) -> None:
        self._processes.wait(self._process)
        with contextlib.suppress(OSError):
            shutil.rmtree(self._command.folder)
        self._ended(self)
        self._end_invocation()
        with contextlib.suppress(InvalidStateError):
            self._offer.set_exception(EOFError())

    def _end_invocation(self) -> None:
        """Answers the invocation that the process had when it ended."""
        current, code = self._current, self._process.returncode
        if current is None:
            return
        why = f"signal: {signal.strsignal(-code)}".lower() if code < 0 else f"exit status {code}"
        reason = f"Runtime exited with error: {why}" if code else "Runtime exited without providing a reason"
        current.settle(current.error("Runtime.ExitError", reason))
