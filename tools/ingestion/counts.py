"""How many files and manifests are in which state, and what waits longer than it should."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from common.ingestion.keys import LOCK
from common.ingestion.states import FileState, ManifestState
from common.ingestion.writes import Item

SWEEP = timedelta(minutes=5)
"""Time in which the sweep, which runs each minute, has done what is due."""

LIMITS = {
    ManifestState.CLAIMING: SWEEP,
    ManifestState.RELEASING: SWEEP,
    ManifestState.CLAIMED: SWEEP,
    ManifestState.MANIFESTED: timedelta(minutes=30),
    ManifestState.PROCESSING: timedelta(hours=8),
}
"""How long a manifest may be in a state: one that is manifested may wait for a busy job, as long as it is tried."""


@dataclass
class Counts:
    """What is in the table, by date and state; `late` says what waits too long, a line for each."""

    files: Counter[tuple[str, str]] = field(default_factory=Counter)
    manifests: Counter[tuple[str, str]] = field(default_factory=Counter)
    locks: dict[str, str] = field(default_factory=dict)
    oldest: datetime | None = None
    late: list[str] = field(default_factory=list)

    def document(self, now: datetime, queue: int, dead_letters: int) -> dict[str, Any]:
        """The counts as one JSON object; ages are in seconds."""
        return {
            "files": dict(_by_state(self.files, FileState)),
            "manifests": dict(_by_state(self.manifests, ManifestState)),
            "oldest_pending_seconds": None if self.oldest is None else round((now - self.oldest).total_seconds()),
            "dates": {date: self._of(date) for date in sorted({date for date, _ in (*self.files, *self.manifests)})},
            "locks": self.locks,
            "queue": queue,
            "dead_letters": dead_letters,
            "late": self.late,
        }

    def rows(self) -> Iterator[dict[str, Any]]:
        """A row for each date, kind and state."""
        for kind, counter in (("file", self.files), ("manifest", self.manifests)):
            for (date, state), count in sorted(counter.items()):
                yield {"date": date, "kind": kind, "state": state, "count": count}

    def _of(self, date: str) -> dict[str, dict[str, int]]:
        named = (("files", self.files), ("manifests", self.manifests))
        return {name: {state: n for (day, state), n in counter.items() if day == date} for name, counter in named}


def count(items: Iterable[Item], now: datetime, max_wait: timedelta) -> Counts:
    """The counts of the items; `max_wait` is how long a file of today may wait for others."""
    found = Counts()
    for item in items:
        date, state = str(item["date_prefix"]), str(item.get("status", ""))
        match item.get("kind"):
            case "file":
                found.files[date, state] += 1
                if state == FileState.PENDING:
                    _pending(found, item, now, max_wait)
            case "manifest":
                found.manifests[date, state] += 1
                limit = LIMITS.get(ManifestState(state))
                if limit and now - _moment(item["updated_at"]) > limit:
                    found.late.append(f"manifest {item['id']} of {date} is {state} since {item['updated_at']}")
            case "lock" if date == LOCK:
                found.locks[str(item["file_key"])] = str(item["lock_id"])
    return found


def _pending(found: Counts, item: Item, now: datetime, max_wait: timedelta) -> None:
    since = _moment(item["created_at"])
    found.oldest = min(found.oldest or since, since)
    if now - since > max_wait + SWEEP:
        found.late.append(f"file {item['file_path']} of {item['date_prefix']} is pending since {item['created_at']}")


def _moment(text: Any) -> datetime:
    return datetime.fromisoformat(str(text)).astimezone(UTC)


def _by_state(counter: Counter[tuple[str, str]], states: type[FileState | ManifestState]) -> Iterator[tuple[str, int]]:
    """Each state with its count over all dates, 0 included."""
    for state in states:
        yield str(state), sum(n for (_, name), n in counter.items() if name == state)
