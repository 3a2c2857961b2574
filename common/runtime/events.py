"""Events: what a command says of its work, and how JSON lines and lines for people say it."""

from __future__ import annotations

import json
import os
import secrets
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TextIO

from common import RUN_VARIABLE, __version__
from common.display import on_terminal

Level = Literal["debug", "info", "warning", "error"]
LEVELS: tuple[Level, ...] = ("debug", "info", "warning", "error")
LEVEL_VARIABLE = "NDR_LOG_LEVEL"
"""The environment variable with the least level to show."""

DUMB = ("", "dumb", "unknown")
_own_run = f"run-{secrets.token_hex(8)}"


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
    """The id of the run that this process is part of: its parent's, else its own."""
    return os.environ.get(RUN_VARIABLE) or _own_run


def form(stream: TextIO) -> Literal["bars", "lines", "events"]:
    """How events are shown on the stream."""
    if not stream.isatty():
        return "events"
    return "lines" if os.environ.get("TERM", "") in DUMB else "bars"


def program() -> str:
    """The name of the command that runs."""
    return Path(sys.argv[0]).name
