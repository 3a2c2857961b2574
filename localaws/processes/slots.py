"""The limit on processes running at once: others queue, and idle processes do not count."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

WATCH_SECONDS = 1.0
_POLL_SECONDS = 0.2


class Slots:
    """Slots for processes, granted first come, first served.

    A step may wait for others that need slots: remediation waits for the steps of a backfill. Idle processes, as
    counted by `idle`, therefore free their slots for the queue.
    """

    def __init__(self, count: int, idle: Callable[[], int]) -> None:
        self._count = count
        self._taken = 0
        self._idle = idle
        self._queue: deque[threading.Event] = deque()
        self._watched = False
        self._lock = threading.Lock()

    def take(self, given_up: threading.Event) -> bool:
        """Waits for a slot; False if `given_up` is set first."""
        place = threading.Event()
        with self._lock:
            self._queue.append(place)
            self._admit()
            if self._queue and not self._watched:
                self._watched = True
                threading.Thread(target=self._watch, name="slots", daemon=True).start()
        while not place.wait(_POLL_SECONDS):
            with self._lock:
                if given_up.is_set() and not place.is_set():
                    self._queue.remove(place)
                    return False
        return True

    def give_back(self) -> None:
        """Frees a slot for the next in the queue."""
        with self._lock:
            self._taken -= 1
            self._admit()

    def _admit(self) -> None:
        while self._queue and self._taken < self._count:
            self._let_in()

    def _let_in(self) -> None:
        self._taken += 1
        self._queue.popleft().set()

    def _watch(self) -> None:
        """Admits queued processes one by one while running ones are idle."""
        while True:
            time.sleep(WATCH_SECONDS)
            idle = self._idle()
            with self._lock:
                if not self._queue:
                    self._watched = False
                    return
                if self._taken - idle < self._count:
                    self._let_in()
