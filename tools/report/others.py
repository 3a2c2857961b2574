"""Findings of the report besides cases: hosts that met an indicator, addresses in no inventory, expired entries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from common.cases.indicators import Meeting
from common.detection.alerts.allow_list import AllowEntry
from common.display import counted
from common.errors import one_line
from common.windows import iso
from tools.report.rendering import INDENT

SHOWN = 20


@dataclass(frozen=True)
class Others:
    """Meetings that no case is about, internal addresses in no inventory, and what of the allow list has expired."""

    met: Sequence[Meeting]
    strangers: Sequence[dict[str, Any]]
    expired: Sequence[AllowEntry]

    def to_dict(self) -> dict[str, Any]:
        """The findings as JSON values."""
        return {
            "met_indicators": [meeting.to_dict() for meeting in self.met],
            "not_in_inventory": [*self.strangers],
            "allow_list_expired": [entry.name for entry in self.expired],
        }

    def lines(self) -> Iterator[str]:
        """The findings as lines of text."""
        if self.met:
            hosts = {meeting.host_ip for meeting in self.met}
            yield ""
            yield f"{counted(len(hosts), 'host')} met an indicator without a case; the newest first:"
        for meeting in self.met[:SHOWN]:
            how = "met" if meeting.role == "outbound" else "was met by"
            when = f"{iso(meeting.first)} to {iso(meeting.last)}, {counted(meeting.sessions, 'session')}"
            whom = f"{meeting.peer_ip} on port {meeting.peer_port}"
            yield f"{INDENT}{meeting.host_ip} {how} {whom}, {when}: {meeting.words}"
        yield from _more(len(self.met))
        if self.strangers:
            count = len(self.strangers)
            yield ""
            yield f"{count:,} {'address' if count == 1 else 'addresses'} in no inventory; most sessions first:"
        for row in self.strangers[:SHOWN]:
            when = f"seen {row['first']} to {row['last']}"
            yield f"{INDENT}{row['host_ip']}  {counted(row['sessions'], 'session')}, {when}"
        yield from _more(len(self.strangers))
        if self.expired:
            yield ""
            yield "entries of the allow list that have expired:"
        for entry in self.expired:
            yield f"{INDENT}{entry.name}, on {entry.expires}, of {one_line(entry.owner)}: {one_line(entry.reason)}"


def _more(count: int) -> Iterator[str]:
    if count > SHOWN:
        yield f"{INDENT}and {count - SHOWN:,} more; --json has all"
