"""Builders whose calls of the stores take turns, as a schedule says: an actor is a thread that waits for its turn."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Literal

from common.errors import AwsError

Fate = Literal["goes on", "dies", "loses the answer"]


class DiedError(BaseException):
    """The process was killed."""


class Actor:
    """Work that stops before each call of a store, until it has another turn."""

    def __init__(self, work: Callable[[], None]) -> None:
        self.is_done = False
        self.fate: Fate = "goes on"
        self.problem: BaseException | None = None
        self._turn, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._work = work
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def step(self) -> None:
        """Lets it do one call, and what it does up to the next."""
        if not self.is_done:
            self._turn.release()
            self._back.acquire()
        if self.problem:
            raise self.problem

    def before_call(self) -> bool:
        """Waits for a turn, in which it may die; whether the call's answer is lost."""
        self._back.release()
        self._turn.acquire()
        fate, self.fate = self.fate, "goes on"
        if fate == "dies":
            raise DiedError
        return fate == "loses the answer"

    def _run(self) -> None:
        self._turn.acquire()
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - shown to the test
            self.problem = error
        self.is_done = True
        self._back.release()


class Stepwise:
    """A store whose calls are steps of an actor."""

    def __init__(self, store: Any, actor: Callable[[], Actor]) -> None:
        self._store, self._actor = store, actor

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._store, name)

        def stepwise(*args: Any, **named: Any) -> Any:
            is_lost = self._actor().before_call()
            answer = call(*args, **named)
            if is_lost:
                raise AwsError("the service did not answer", "Try again")
            return answer

        return stepwise if callable(call) else call
