"""How a command ends: at once, without its temporary folders, and after a signal with the signal's exit code."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType
from typing import NoReturn

from common.runtime.output import clearing
from common.storage.places import remove_places

SIGNALS = (signal.SIGTERM, signal.SIGINT)
GRACE_SECONDS = 1.0
_received: list[Interrupted] = []


class Interrupted(BaseException):
    """SIGTERM or SIGINT has arrived; raised in the main thread, so that its context managers clean up."""

    def __init__(self, number: int) -> None:
        name = signal.Signals(number).name
        super().__init__(f"interrupted by {name}. What was committed stays; run again for the rest")
        self.exit_code = 128 + number


def exit_at_signals() -> None:
    """From now on, SIGTERM and SIGINT end the process with their exit code; there is nothing to clean up yet."""
    for each in SIGNALS:
        signal.signal(each, lambda number, _: os._exit(128 + number))


@contextmanager
def interruptible() -> Iterator[None]:
    """Raises `Interrupted` in the main thread at the first SIGTERM or SIGINT.

    The second signal ends the process at once, and so does the end of a second of grace: the main thread may be in a
    call that Python cannot interrupt, such as a query, a request to S3, or a pool that waits for its workers.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) is _raise:
        yield
        return
    _received.clear()
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    before = {number: signal.signal(number, _raise) for number in SIGNALS}
    other = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    report = sys.unraisablehook
    sys.unraisablehook = partial(_say_unless_interrupted, report)
    threading.Thread(target=_watch, args=(reader,), name="interrupts", daemon=True).start()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(other)
        sys.unraisablehook = report
        os.close(writer)


def end(code: int) -> NoReturn:
    """Ends the process without waiting for its threads, after its workers and temporary folders.

    Threads of the engine may still run a failed query; the interpreter would sometimes abort while it ends.
    """
    if "multiprocessing" in sys.modules:
        import multiprocessing

        for worker in multiprocessing.active_children():
            worker.kill()
    remove_places()
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    os._exit(code)


def received() -> Interrupted | None:
    """The interruption of this process, if there was one."""
    return _received[0] if _received else None


def _raise(number: int, _frame: FrameType | None) -> None:
    for each in SIGNALS:
        signal.signal(each, _leave_to_the_watch)
    _received.append(Interrupted(number))
    raise _received[0]


def _say_unless_interrupted(
    report: Callable[[sys.UnraisableHookArgs], object], unraisable: sys.UnraisableHookArgs
) -> None:
    """Says what a callback or a destructor raised; an interruption there is lost, and the watching thread ends it."""
    if not isinstance(unraisable.exc_value, Interrupted):
        report(unraisable)


def _leave_to_the_watch(_number: int, _frame: FrameType | None) -> None:
    """Nothing: a signal without a handler would not reach the watching thread."""


def _watch(reader: int) -> None:
    number = _next(reader, None)
    if number is None:
        os.close(reader)
        return
    _next(reader, GRACE_SECONDS)
    interruption = Interrupted(number)
    with suppress(OSError):
        os.write(2, clearing() + f"error: {interruption}\n".encode())
    end(interruption.exit_code)


def _next(reader: int, seconds: float | None) -> int | None:
    """The next of the two signals; None at the end of the pipe, or when none came in time."""
    while select.select([reader], [], [], seconds)[0]:
        received = os.read(reader, 1)
        if not received:
            return None
        if received[0] in SIGNALS:
            return received[0]
    return None
