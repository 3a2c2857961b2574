"""What the builder says of its work: events, as JSON lines but on a terminal."""

from __future__ import annotations

from common.runtime.events import Event, Level, run_id
from common.runtime.output import tell

COMMAND = "ndr-manifest-builder"


def say(step: str, event: str, level: Level = "info", **values: object) -> None:
    """Says what happened in a step."""
    tell(Event(level, COMMAND, step, event, run_id(), values))
