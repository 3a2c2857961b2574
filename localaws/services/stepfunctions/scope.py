"""Scopes: parts of an execution that can be stopped (the execution, branches, iterations, tasks with a time limit)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class HaltedError(Exception):
    """The scope, or an outer one, was stopped."""


class ExpiredError(HaltedError):
    """The time limit of a scope has passed."""

    def __init__(self, scope: Scope) -> None:
        super().__init__("timed out")
        self.scope = scope


class Scope:
    """A part of an execution; halting it halts all parts inside."""

    def __init__(self, parent: Scope | None = None, seconds: float | None = None) -> None:
        self._halted = threading.Event()
        self._parent = parent
        self._children: set[Scope] = set()
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._lock = threading.Lock()

    @contextmanager
    def inner(self, seconds: float | None = None) -> Iterator[Scope]:
        """A scope inside this one for the duration of the block; it is not made current."""
        scope = Scope(self, seconds)
        with self._lock:
            self._children.add(scope)
        if self._halted.is_set():
            scope.halt()
        try:
            yield scope
        finally:
            with self._lock:
                self._children.discard(scope)

    def halt(self) -> None:
        """Stops everything in this scope, at its next step or during its current wait."""
        self._halted.set()
        with self._lock:
            children = list(self._children)
        for child in children:
            child.halt()

    def check(self) -> None:
        """Raises HaltedError if the scope was halted, ExpiredError if its time limit or an outer one has passed."""
        if self._halted.is_set():
            raise HaltedError("stopped")
        scope: Scope | None = self
        while scope is not None:
            if scope.expired:
                raise ExpiredError(scope)
            scope = scope._parent

    @property
    def expired(self) -> bool:
        """Whether the scope's own time limit has passed."""
        return self._deadline is not None and time.monotonic() >= self._deadline

    def _remaining(self) -> float:
        """The seconds until the earliest deadline."""
        scope: Scope | None = self
        least = float("inf")
        while scope is not None:
            if scope._deadline is not None:
                least = min(least, scope._deadline - time.monotonic())
            scope = scope._parent
        return max(least, 0.0)

    def sleep(self, seconds: float) -> None:
        """Waits, unless the scope ends first."""
        self._halted.wait(min(seconds, self._remaining()))
        self.check()

    def wait_for(self, event: threading.Event) -> None:
        """Waits for the event, unless the scope ends first."""
        while not event.wait(min(0.05, self._remaining())):
            self.check()


_CURRENT: ContextVar[Scope | None] = ContextVar("scope", default=None)


def current() -> Scope:
    """The scope of the calling thread; a new one outside executions."""
    return _CURRENT.get() or Scope()


@contextmanager
def entered(scope: Scope) -> Iterator[None]:
    """Makes the scope current in the calling thread."""
    token = _CURRENT.set(scope)
    try:
        yield
    finally:
        _CURRENT.reset(token)
