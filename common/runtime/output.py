"""What a command says on stderr about its work.

There is one kind of message, the event: level, stage, step, what happened, and values. A terminal shows events as bars
and lines (`progress.py`), a dumb one as plain lines, and anything else gets each event as a JSON line.
"""

from __future__ import annotations

import logging
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from common import RUN_VARIABLE
from common.runtime.environment import variables
from common.runtime.events import LEVEL_VARIABLE, Event, Level, form, is_shown, level, program, run_id

if TYPE_CHECKING:
    from common.runtime.progress import Bars

PROGRESS_SECONDS = 5.0
"""How often progress is said where no bar shows it."""


def tell(event: Event, stream: TextIO | None = None) -> None:
    """Shows the event on stderr, or the stream; a terminal shows what is going on even if its event is `debug`."""
    global _last, _said
    stream = stream or sys.stderr
    shape = form(stream)
    if shape != "bars" and event.event in ("started", "progress"):
        now = time.monotonic()
        if event.event == "progress" and now - _said < PROGRESS_SECONDS:
            return
        _said = now
    if event.level != "debug":
        _last = event
    shown = is_shown(event.level)
    match shape:
        case "bars":
            if shown or is_shown("info"):
                _bars_of(stream).show(event, shown)
        case "lines" if shown:
            print(event.to_text(), file=stream, flush=True)
        case "events" if shown:
            print(event.to_json(), file=stream, flush=True)


def tell_failure(message: str) -> None:
    """Writes the failure of a run that had events as one, where they are JSON lines."""
    if _last is not None and form(sys.stderr) == "events":
        step = _abandoned.step if _abandoned else ""
        tell(Event("error", _last.stage, step, "failed", _last.run_id, {"message": message}))


@dataclass(frozen=True)
class Work:
    """Something that takes a while; its events have this level."""

    level: Level
    stage: str
    step: str
    run_id: str
    stream: TextIO | None = None

    def tell(self, event: str, at: Level | None = None, **values: Any) -> None:
        """Shows an event of the work, at its level or another one."""
        tell(Event(at or self.level, self.stage, self.step, event, self.run_id, values), self.stream)


@contextmanager
def working(work: Work) -> Iterator[Callable[[], float]]:
    """Shows that the work is going on; gives how many seconds it took, once it has ended."""
    global _abandoned
    began = time.monotonic()
    seconds = 0.0
    _abandoned = None
    work.tell("started")
    _going_on.append(work)
    try:
        yield lambda: seconds
    except BaseException:
        _abandoned = _abandoned or work  # the innermost
        work.tell("abandoned", "debug")
        raise
    finally:
        _going_on.remove(work)
    seconds = round(time.monotonic() - began, 3)
    work.tell("finished", seconds=seconds)


def activity(what: str, stage: str | None = None) -> AbstractContextManager[object]:
    """Shows on a terminal that this is going on, and for how long; elsewhere its events have the level `debug`.

    Use it for what takes a while and is no step of the run report.
    """
    return working(Work("debug", stage or program(), what, run_id()))


def progress(done: int, total: int | None, unit: str) -> None:
    """Shows the progress of the innermost work that is going on; `total` is None where nobody knows it.

    Call it as often as there is news: without a bar, it is said every few seconds. `bytes` are shown in megabytes.
    """
    if _going_on:
        _going_on[-1].tell("progress", done=done, total=total, unit=unit)


def doing(what: str) -> None:
    """Shows what the innermost work that is going on does now."""
    if _going_on:
        _going_on[-1].tell("doing", "debug", what=what)


def message(text: str, level: Level = "info") -> None:
    """Says something of the work that is going on."""
    _tell_message(level, text)


def close() -> None:
    """Removes what moves on the terminal, so that lines can follow."""
    if _bars is not None:
        _bars.close()


def clearing() -> bytes:
    """What clears the line that moves on the terminal, if there is one; to be used where no lock may be waited for."""
    return _bars.abandon() if _bars is not None else b""


@contextmanager
def listening(asked: Level | None = None) -> Iterator[None]:
    """While it lasts, what libraries log or warn of is shown as events; on exit nothing moves on the terminal.

    `asked` is the least level that this process and its children show meanwhile; the children belong to its run.
    """
    global _last, _abandoned
    _last = _abandoned = None
    _going_on.clear()
    with variables({RUN_VARIABLE: run_id()} | ({LEVEL_VARIABLE: asked} if asked else {})), _messages_of_libraries():
        yield


@contextmanager
def _messages_of_libraries() -> Iterator[None]:
    root, handler, before = logging.getLogger(), _Handler(), warnings.showwarning
    root.addHandler(handler)
    own_level = root.level
    if level() == "debug":
        root.setLevel(logging.INFO)
    warnings.showwarning = _warned
    try:
        yield
    finally:
        close()
        warnings.showwarning = before
        root.setLevel(own_level)
        root.removeHandler(handler)


class _Handler(logging.Handler):
    """Shows log records as events of the run: warnings, and what is below them as details."""

    def emit(self, record: logging.LogRecord) -> None:
        """Shows the record."""
        found: Level = "warning" if record.levelno >= logging.WARNING else "debug"
        _tell_message(found, record.getMessage(), source=record.name)


def _warned(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    _tell_message("warning", f"{category.__name__}: {message}", source=f"{filename}:{lineno}")


def _tell_message(found: Level, text: str, **values: str) -> None:
    place = _going_on[-1] if _going_on else Work("info", program(), "", _last.run_id if _last else run_id())
    place.tell("message", found, message=text, **values)


_going_on: list[Work] = []
_abandoned: Work | None = None
_last: Event | None = None
_said = time.monotonic()
_bars: Bars | None = None


def _bars_of(stream: TextIO) -> Bars:
    """The bars of the stream; the library that draws them is loaded here, on a terminal only."""
    global _bars
    if _bars is None or _bars.stream is not stream:
        from common.runtime.progress import Bars

        close()
        _bars = Bars(stream)
    return _bars
