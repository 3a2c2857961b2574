"""Simulated time: processes that wait for seconds or for each other."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

Steps = Iterator["float | Process"]
"""What a process does: it yields the seconds until it goes on, or a process whose end it waits for."""


@dataclass(eq=False)
class Process:
    """Something that goes on in simulated time."""

    steps: Steps
    ended: bool = False
    waiting: list[Process] = field(default_factory=list)


class Clock:
    """The time in seconds, and what happens next."""

    def __init__(self) -> None:
        self.now = 0.0
        self._queue: list[tuple[float, int, Process]] = []
        self._order = itertools.count()

    def start(self, steps: Steps, after: float = 0) -> Process:
        """A process that begins after so many seconds."""
        process = Process(steps)
        self._push(process, after)
        return process

    def run(self) -> None:
        """Lets time pass until nothing is left to happen."""
        while self._queue:
            self.now, _, process = heapq.heappop(self._queue)
            try:
                wanted = next(process.steps)
            except StopIteration:
                process.ended = True
                for other in process.waiting:
                    self._push(other, 0)
                continue
            if not isinstance(wanted, Process):
                self._push(process, wanted)
            elif wanted.ended:
                self._push(process, 0)
            else:
                wanted.waiting.append(process)

    def _push(self, process: Process, after: float) -> None:
        heapq.heappush(self._queue, (self.now + after, next(self._order), process))
