"""What runs and can be ended: an execution, a branch, an iteration, a task with a time limit."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class HaltedError(Exception):
    """The scope, or one around it, was stopped: nothing more is done in it."""


class ExpiredError(HaltedError):
    """The time of a scope is over."""

    def __init__(self, scope: Scope) -> None:
        super().__init__("the time is over")
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
        """A scope inside this one, for as long as the block runs; it is not made current."""
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
        """End everything in this scope at its next step or within its present wait."""
        self._halted.set()
        with self._lock:
            children = list(self._children)
        for child in children:
            child.halt()

    def check(self) -> None:
        """Raise HaltedError when the scope was halted, ExpiredError when its time or that of one around it is over."""
        if self._halted.is_set():
            raise HaltedError("stopped")
        scope: Scope | None = self
        while scope is not None:
            if scope.expired:
                raise ExpiredError(scope)
            scope = scope._parent

    @property
    def expired(self) -> bool:
        """Whether its own time is over."""
        return self._deadline is not None and time.monotonic() >= self._deadline

    def _remaining(self) -> float:
        """Seconds until the earliest deadline."""
        scope: Scope | None = self
        least = float("inf")
        while scope is not None:
            if scope._deadline is not None:
                least = min(least, scope._deadline - time.monotonic())
            scope = scope._parent
        return max(least, 0.0)

    def sleep(self, seconds: float) -> None:
        """Wait, unless the scope ends before."""
        self._halted.wait(min(seconds, self._remaining()))
        self.check()

    def wait_for(self, event: threading.Event) -> None:
        """Wait for something to happen, unless the scope ends before."""
        while not event.wait(min(0.05, self._remaining())):
            self.check()


_CURRENT: ContextVar[Scope | None] = ContextVar("scope", default=None)


def current() -> Scope:
    """The scope of the calling thread; one of its own where no execution runs."""
    return _CURRENT.get() or Scope()


@contextmanager
def entered(scope: Scope) -> Iterator[None]:
    """Make a scope the current one of the calling thread."""
    token = _CURRENT.set(scope)
    try:
        yield
    finally:
        _CURRENT.reset(token)
