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
    """Mini-batches found, and the paths ignored with the reason."""

    found: list[Candidate] = field(default_factory=list)
    ignored: list[tuple[str, str]] = field(default_factory=list)

    def extend(self, other: Candidates) -> None:
        """Adds the candidates of another source."""
        self.found += other.found
        self.ignored += other.ignored


def by_window(
    candidates: Iterable[Candidate], wanted: Collection[Windows]
) -> tuple[dict[Windows, list[Candidate]], list[tuple[str, str]]]:
    """The mini-batches of each wanted window that has any, by time of event; and the repeated ones with the reason.

    A folder counts once, in the window of its first event; of several folders with one id in a window, the first
    counts.
    """
    asked = set(wanted)
    grouped: dict[Windows, list[Candidate]] = {}
    repeated: list[tuple[str, str]] = []
    place_of: dict[str, Windows] = {}
    for candidate in sorted(set(candidates)):
        window = candidate.window
        known = place_of.setdefault(candidate.path, window)
        if known != window:
            if window in asked or known in asked:
                repeated.append((candidate.path, f"reported again for window {window}; it counts in {known}"))
            continue
        if window not in asked:
            continue
        members = grouped.setdefault(window, [])
        same = next((member for member in members if member.mini_batch_id == candidate.mini_batch_id), None)
        if same is None:
            members.append(candidate)
        elif same.path != candidate.path:
            repeated.append((candidate.path, f"the same mini-batch as {same.path}"))
    return {window: grouped[window] for window in sorted(grouped)}, repeated
