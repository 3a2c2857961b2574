"""What a command says on stderr about its work: how much of it, in which form, and for which run.

There is one kind of message, the event: level, stage, step, what happened, and values. A terminal shows events as bars
and lines (`progress.py`), a dumb one as plain lines, and anything else gets each event as a JSON line.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

from common import __version__
from common.display import on_terminal

if TYPE_CHECKING:
    from common.runtime.progress import Bars

Level = Literal["debug", "info", "warning", "error"]
LEVELS: tuple[Level, ...] = ("debug", "info", "warning", "error")
LEVEL_VARIABLE, RUN_VARIABLE = "NDR_LOG_LEVEL", "NDR_RUN_ID"
"""Names of environment variables: the least level to show, and the run that a command is part of."""

DUMB = ("", "dumb", "unknown")


@dataclass(frozen=True)
class Event:
    """Something that happened in a step of a stage; `values` are its figures."""

    level: Level
    stage: str
    step: str
    event: str
    run_id: str
    values: dict[str, Any]

    def to_json(self) -> str:
        """The event as one JSON object, with the time now and the release."""
        head = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": self.level,
            "stage": self.stage,
            "step": self.step,
            "event": self.event,
            "run_id": self.run_id,
            "version": __version__,
        }
        return json.dumps(head | self.values)

    def to_text(self) -> str:
        """The event as a line for people."""
        head = f"{self.stage}: {self.step}".removesuffix(": ")
        match self.event:
            case "started":
                text = f"{head} ..."
            case "progress":
                text = f"{head}, {amount(**self.values)}"
            case "finished":
                text = f"{head} {self.values['seconds']:.1f} s"
            case "message":
                text = str(self.values["message"])
            case _:
                text = f"{head} {self.event}" + "".join(f", {name} {value}" for name, value in self.values.items())
        return on_terminal(f"warning: {text}" if self.level == "warning" else text)


def amount(done: int, total: int | None, unit: str) -> str:
    """The progress in words: `12 of 96 windows`, or `12 windows` of an unknown number."""
    if unit == "bytes":
        return f"{done / 1e6:,.1f} of {total / 1e6:,.1f} MB" if total else f"{done / 1e6:,.1f} MB"
    return f"{done:,} of {total:,} {unit}" if total else f"{done:,} {unit}"


def level() -> Level:
    """The least level that is shown."""
    found = os.environ.get(LEVEL_VARIABLE, "info").lower()
    return next((known for known in LEVELS if known == found), "info")


def is_shown(wanted: Level) -> bool:
    """Whether events of this level are shown."""
    return LEVELS.index(wanted) >= LEVELS.index(level())


def run_id() -> str:
    """The id of the run that this process is part of: its parent's, else its own; its children inherit it."""
    return os.environ.setdefault(RUN_VARIABLE, f"run-{secrets.token_hex(8)}")


def form(stream: TextIO) -> Literal["bars", "lines", "events"]:
    """How events are shown on the stream."""
    if not stream.isatty():
        return "events"
    return "lines" if os.environ.get("TERM", "") in DUMB else "bars"


def tell(event: Event, stream: TextIO | None = None) -> None:
    """Shows the event on stderr, or the stream; a terminal shows what is going on even if its event is `debug`."""
    global _last
    stream = stream or sys.stderr
    if _last is None or not _last.event == event.event == "abandoned":  # the innermost of what fails
        _last = event
    shown = is_shown(event.level)
    match form(stream):
        case "bars":
            if shown or is_shown("info"):
                _bars_of(stream).show(event, shown)
        case "lines" if shown:
            print(event.to_text(), file=stream, flush=True)
        case "events" if shown:
            print(event.to_json(), file=stream, flush=True)


def tell_failure(message: str) -> None:
    """Writes the failure of a run as an event, where events are JSON lines."""
    if _last is not None and form(sys.stderr) == "events":
        tell(Event("error", _last.stage, _last.step, "failed", _last.run_id, {"message": message}))


@contextmanager
def activity(what: str, stage: str | None = None) -> Iterator[None]:
    """Shows on a terminal that this is going on, and for how long; elsewhere it is an event of level `debug`.

    Use it for what takes a while and is no step of the run report.
    """
    own, began = stage or program(), time.monotonic()
    tell(Event("debug", own, what, "started", run_id(), {}))
    try:
        yield
    except BaseException:
        tell(Event("debug", own, what, "abandoned", run_id(), {}))
        raise
    tell(Event("debug", own, what, "finished", run_id(), {"seconds": round(time.monotonic() - began, 3)}))


def program() -> str:
    """The name of the command that runs."""
    return Path(sys.argv[0]).name


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

    `asked` is the least level that this process and its children show from now on.
    """
    global _last
    _last = None
    outer = os.environ.get(LEVEL_VARIABLE)
    if asked:
        os.environ[LEVEL_VARIABLE] = asked
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
        if asked:
            os.environ.pop(LEVEL_VARIABLE)
            os.environ.update({LEVEL_VARIABLE: outer} if outer is not None else {})


class _Handler(logging.Handler):
    """Shows log records as events of the run."""

    def emit(self, record: logging.LogRecord) -> None:
        """Shows the record."""
        found: Level = "warning" if record.levelno >= logging.WARNING else "info"
        _tell_message(found, record.getMessage(), record.name)


def _warned(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    _tell_message("warning", f"{category.__name__}: {message}", f"{filename}:{lineno}")


def _tell_message(found: Level, message: str, source: str) -> None:
    place = _last or Event("info", program(), "", "", run_id(), {})
    tell(Event(found, place.stage, place.step, "message", place.run_id, {"message": message, "source": source}))


_last: Event | None = None
_bars: Bars | None = None


def _bars_of(stream: TextIO) -> Bars:
    """The bars of the stream; the library that draws them is loaded here, on a terminal only."""
    global _bars
    if _bars is None or _bars.stream is not stream:
        from common.runtime.progress import Bars

        close()
        _bars = Bars(stream)
    return _bars
