"""Meetings with indicators that no case is about, as messages of their own: one per host and indicator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import pyarrow.compute as pc

from common.cases.contact_days import contact_days
from common.cases.indicators import Indicator, Indicators, Meeting, read_indicators
from common.cases.inventory import Inventory
from common.cases.met import Met, met_by
from common.detection.alerts.cases import RECENT, recent_cases
from common.detection.alerts.techniques import Technique
from common.detection.alerts.terms import CLOSED, NEW
from common.lake.lake import Lake
from common.windows import Windows, iso

MET = Technique("indicator met", "", "")
PREFIX = "met-"
"""How the ids of these messages begin; the indicator and the host follow, so that they can be closed by the id."""


@dataclass(frozen=True)
class Alone:
    """The meetings, newest first, at a time; what cases have met, by host and indicator, with the id of the case."""

    meetings: Sequence[Meeting]
    of_cases: Mapping[tuple[str, str], str]
    indicators: Indicators
    inventory: Inventory
    now: datetime

    def messages(self) -> Iterator[dict[str, Any]]:
        """What the formats take for a case, of each host and indicator that has not ended; the first to begin first."""
        found: dict[str, tuple[Indicator, list[Meeting]]] = {}
        for meeting in self.meetings:
            for indicator in meeting.indicators:
                key = meeting.host_ip, indicator.indicator_id
                if self._lasts(indicator.valid_until) and key not in self.of_cases:
                    _, same = found.setdefault(_id(*key), (indicator, []))
                    same.append(replace(meeting, indicators=(indicator,)))
        for _, (indicator, same) in sorted(
            found.items(), key=lambda entry: (min(m.first for m in entry[1][1]), entry[0])
        ):
            yield self._message(indicator, same)

    def over(self, case_id: str) -> dict[str, Any] | None:
        """The message that closes the one of this id: a case is about it now, or the indicator has ended; else None."""
        if not case_id.startswith(PREFIX):
            return None
        indicator, _, host = case_id.removeprefix(PREFIX).partition("-")
        if case := self.of_cases.get((host, indicator)):
            why = f"What {host} met is in case {case}"
        elif indicator not in self._lasting():
            why = f"The indicator that {host} met has ended"
        else:
            return None
        return self._about(host, case_id, self.now, self.now) | {"sentence": why, "status": CLOSED}

    def _lasts(self, until: datetime | None) -> bool:
        return until is None or until > self.now

    def _lasting(self) -> set[str]:
        rows = self.indicators.rows.select(["indicator_id", "valid_until"]).to_pylist()
        return {row["indicator_id"] for row in rows if self._lasts(row["valid_until"])}

    def _message(self, indicator: Indicator, meetings: Sequence[Meeting]) -> dict[str, Any]:
        host = meetings[0].host_ip
        first, last = min(meeting.first for meeting in meetings), max(meeting.last for meeting in meetings)
        how = "met" if meetings[0].role == "outbound" else "was met by"
        where = f"{meetings[0].peer_ip} on port {meetings[0].peer_port}"
        case_id = _id(host, indicator.indicator_id)
        return self._about(host, case_id, first, last) | {
            "sentence": f"{host} {how} {where}, and no case is about it. {indicator.words}",
            "score": (indicator.confidence or 0) / 100,
            "contacts": [_contact(meeting) for meeting in meetings],
            "indicators": [meeting.to_dict() for meeting in meetings],
        }

    def _about(self, host: str, case_id: str, first: datetime, last: datetime) -> dict[str, Any]:
        """What all these messages have: no anomaly, so the lowest severity and no decades."""
        return {
            "case_id": case_id, "severity": "low", "decades": 0.0, "score": 0.0, "technique": asdict(MET),
            "techniques": [MET.name], "source": host, "sources": [host], "targets": [], "segment_id": "",
            "names": self.inventory.names([host]), "user": None, "criticality": None, "start": iso(first),
            "end": iso(last), "windows": 0, "status": NEW, "owner": None, "note": None, "hidden_by": None,
            "contacts": [], "indicators": [],
        }  # fmt: skip


def alone(lake: Lake, windows: Windows, met: Met, inventory: Inventory, min_score: float, now: datetime) -> Alone:
    """The meetings of the windows that no case is about, and those of 30 days with indicators that are new in them.

    Raises:
        TableError: a table is unreadable.
    """
    indicators = read_indicators(lake)
    parts = [met]
    if len(indicators):
        new = Indicators(indicators.rows.filter(pc.greater_equal(indicators.rows["changed_ts"], windows.start)))
        if len(new) and (meetings := new.met(contact_days(lake, RECENT.days))):
            parts.append(met_by(new, meetings, recent_cases(lake, lake.spec, min_score)))
    of_cases = {
        (meeting.host_ip, indicator.indicator_id): case_id
        for part in parts
        for case_id, meetings in part.of_cases.items()
        for meeting in meetings
        for indicator in meeting.indicators
    }
    every = {(m.host_ip, m.role, m.peer_ip, m.peer_port): m for part in reversed(parts) for m in part.alone}
    return Alone(list(every.values()), of_cases, indicators, inventory, now)


def _id(host: str, indicator_id: str) -> str:
    return f"{PREFIX}{indicator_id}-{host}"


def _contact(meeting: Meeting) -> dict[str, Any]:
    """The meeting as a contact of a case; what only scored pairs have is null."""
    ends = (meeting.host_ip, meeting.peer_ip)
    source, target = ends if meeting.role == "outbound" else ends[::-1]
    return {
        "source": source, "target": target, "port": meeting.peer_port, "sessions": meeting.sessions,
        "first": iso(meeting.first), "last": iso(meeting.last),
    } | dict.fromkeys(("failed", "sent", "received", "decades", "new"))  # fmt: skip
