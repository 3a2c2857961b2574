"""Candidate mini-batches, and how they are assigned to windows."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from common.windows import Windows, closed_window


@dataclass(frozen=True, order=True)
class Candidate:
    """A mini-batch folder: the time of its event (UTC), its URI, and its id."""

    event_ts: datetime
    path: str
    mini_batch_id: str

    @property
    def window(self) -> Windows:
        """The window that the mini-batch belongs to."""
        return closed_window(self.event_ts)


@dataclass
class Candidates:
    """Mini-batches found, those of them that only a listing found, and the paths ignored with the reason."""

    found: list[Candidate] = field(default_factory=list)
    listed: set[Candidate] = field(default_factory=set)
    ignored: list[tuple[str, str]] = field(default_factory=list)

    def extend(self, other: Candidates) -> None:
        """Adds the candidates of another source."""
        self.found += other.found
        self.ignored += other.ignored


def by_window(
    candidates: Iterable[Candidate], wanted: Collection[Windows]
) -> tuple[dict[Windows, list[Candidate]], list[tuple[str, str]]]:
    """The mini-batches of each wanted window that has any, by time of event; and the repeated ones with the reason.

    A folder counts once, in the window of its first event.
    """
    asked = set(wanted)
    grouped: dict[Windows, list[Candidate]] = {}
    repeated: list[tuple[str, str]] = []
    place_of: dict[str, Windows] = {}
    for candidate in sorted(set(candidates)):
        window, known = candidate.window, place_of.get(candidate.path)
        if known is None:
            place_of[candidate.path] = window
            if window in asked:
                grouped.setdefault(window, []).append(candidate)
        elif known != window and (window in asked or known in asked):
            repeated.append((candidate.path, f"reported again for window {window}; it counts in {known}"))
    return {window: grouped[window] for window in sorted(grouped)}, repeated
