"""Progress on a terminal: one line that moves for what is going on, and a line that stays for each step that ended.

Only here is rich used for progress, and only a terminal loads it. The line that moves is exactly one, so that it can be
cleared without knowing more; the cursor is never hidden, so that a killed command leaves a usable terminal.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TextIO

from rich.cells import cell_len, set_cell_size
from rich.console import Console, RenderableType
from rich.progress import Progress, Task, TaskID
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from common.display import on_terminal
from common.runtime.events import Event, amount

BAR_WIDTH = 20
REFRESHES_PER_SECOND = 8
CLEAR_LINE = b"\r\x1b[2K"


class Bars:
    """What a terminal shows of events; the innermost step that is going on moves."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._console = _Console(file=stream, force_terminal=True, highlight=False, markup=False, emoji=False)
        self._moving: _MovingLine | None = None
        self._open: list[_Open] = []
        self._lock = threading.RLock()
        self._process = os.getpid()

    def show(self, event: Event, stays: bool) -> None:
        """Shows the event; `stays` if it leaves a line. A forked process shows nothing."""
        if os.getpid() != self._process:
            return
        with self._lock:
            match event.event:
                case "started":
                    self._start(event)
                case "progress" | "doing":
                    self._update(event)
                case "finished" | "abandoned":
                    self._end(event, stays and event.event == "finished")
                case _ if stays:
                    self._console.print(Text(event.to_text()), soft_wrap=True)

    def close(self) -> None:
        """Clears the line that moves."""
        if os.getpid() != self._process:
            return
        with self._lock:
            self._open.clear()
            self._stop()

    def abandon(self) -> bytes:
        """What clears the line that moves, which is drawn no more; without waiting for whoever draws it now."""
        if self._moving is None:
            return b""
        self._moving.is_abandoned = True
        return CLEAR_LINE

    def _start(self, event: Event) -> None:
        if self._moving is None:
            self._moving = _MovingLine(self._console)
            self._moving.start()
        for entry in self._open:
            self._moving.update(entry.task, visible=False)
        title = on_terminal(f"{event.stage}: {event.step}".removesuffix(": "))
        self._open.append(_Open(event.stage, event.step, self._moving.add_task(title, total=None, unit="", doing="")))

    def _update(self, event: Event) -> None:
        entry = self._find(event)
        if entry is None or self._moving is None:
            return
        if event.event == "doing":
            self._moving.update(entry.task, doing=on_terminal(event.values["what"]))
        else:
            done, total, unit = (event.values[name] for name in ("done", "total", "unit"))
            self._moving.update(entry.task, completed=done, total=total or None, unit=unit)

    def _end(self, event: Event, stays: bool) -> None:
        entry = self._find(event)
        if entry is not None and self._moving is not None:
            self._open.remove(entry)
            self._moving.remove_task(entry.task)
            if self._open:
                self._moving.update(self._open[-1].task, visible=True)
            else:
                self._stop()
        if stays:
            self._console.print(Text(event.to_text()), soft_wrap=True)

    def _find(self, event: Event) -> _Open | None:
        """The innermost step of that name."""
        found = (entry for entry in reversed(self._open) if (entry.stage, entry.step) == (event.stage, event.step))
        return next(found, None)

    def _stop(self) -> None:
        if self._moving is not None:
            self._moving.stop()
            self._moving = None


@dataclass(frozen=True)
class _Open:
    """A step that is going on, and its task."""

    stage: str
    step: str
    task: TaskID


class _Console(Console):
    """A console that never hides the cursor."""

    def show_cursor(self, show: bool = True) -> bool:
        """False: nothing is done."""
        return False


class _MovingLine(Progress):
    """The line that moves: spinner, title, bar, amount, rate, elapsed and remaining time, as far as there is room."""

    def __init__(self, console: Console) -> None:
        self.is_abandoned = False
        self._spinner = Spinner("line" if console.options.ascii_only else "dots", style="cyan")
        super().__init__(
            console=console,
            refresh_per_second=REFRESHES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def get_renderables(self) -> Iterable[RenderableType]:
        """The line of the visible task."""
        for task in self.tasks:
            if task.visible and not self.is_abandoned:
                yield self._line(task, self.console.width - 1)

    def _line(self, task: Task, room: int) -> RenderableType:
        title = f"{task.description}{', ' if task.fields['doing'] else ''}{task.fields['doing']}"
        parts: dict[str, str] = {"elapsed": _clock(task.elapsed or 0.0)}
        if task.fields["unit"]:
            parts["amount"] = amount(int(task.completed), _whole(task.total), task.fields["unit"])
        if task.total and task.time_remaining is not None and not task.finished:
            parts["remaining"] = f"{_clock(task.time_remaining)} left"
        if task.fields["unit"] and task.speed:
            parts["rate"] = _rate(task.speed, task.fields["unit"])
        room -= 2 + min(cell_len(title), max(room // 3, room - 2 - sum(len(part) + 2 for part in parts.values())))
        kept: dict[str, str] = {}
        for name in ("elapsed", "amount", "remaining", "rate"):  # in the order of their worth
            if name in parts and len(parts[name]) + 2 <= room:
                kept[name] = parts[name]
                room -= len(parts[name]) + 2
        cells: list[RenderableType] = [self._spinner, Text(_clipped(title, self.console.width - 3 - _length(kept)))]
        if task.total and room >= BAR_WIDTH + 2:
            cells.append(ProgressBar(task.total, task.completed, width=BAR_WIDTH))
        cells += [Text(kept[name], style=style) for name, style in _STYLES.items() if name in kept]
        line = Table.grid(*("" for _ in cells), padding=(0, 1, 0, 0))
        for column in line.columns:
            column.no_wrap = True
        line.add_row(*cells)
        return line


_STYLES: dict[str, str] = {"amount": "", "rate": "dim", "elapsed": "dim", "remaining": "dim"}


def _length(parts: dict[str, str]) -> int:
    return sum(len(part) + 2 for part in parts.values())


def _clipped(text: str, room: int) -> str:
    """The text in that many cells, the end left out where it is longer."""
    return text if cell_len(text) <= room else set_cell_size(text, max(room - 1, 0)) + "…"


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=int(seconds)))


def _whole(total: float | None) -> int | None:
    return None if total is None else int(total)


def _rate(speed: float, unit: str) -> str:
    if unit == "bytes":
        return f"{speed / 1e6:,.1f} MB/s"
    return f"{speed:,.0f}/s" if speed >= 10 else f"{speed:.1f}/s" if speed >= 0.95 else f"{60 * speed:.1f}/min"
