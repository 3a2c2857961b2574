"""What cases have to do with indicators, and which hosts met one without any alert."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from common.cases.contact_days import CONTACT, contacts_in
from common.cases.indicators import Indicators, Meeting, read_indicators
from common.cases.inventory import Inventory
from common.detection.alerts.cases import SEVERITIES, Case
from common.detection.alerts.contacts import Contact
from common.lake.lake import Lake
from common.windows import Windows

OF_CASE = 20


@dataclass(frozen=True)
class Met:
    """The meetings of each case by its id, a few at most, and those that no case is about; the newest first.

    Of a case, those with whom it is mainly about come before others.
    """

    of_cases: dict[str, tuple[Meeting, ...]]
    alone: tuple[Meeting, ...]

    def of(self, case: Case) -> tuple[Meeting, ...]:
        """The meetings of a case."""
        return self.of_cases.get(case.case_id, ())

    def is_about(self, case: Case) -> bool:
        """Whether the case is mainly about such a meeting: what is odd in it, and not what else its sources did."""
        return any(_is_main(meeting, case) for meeting in self.of(case))


def met_in(lake: Lake, windows: Windows, cases: Sequence[Case]) -> Met:
    """Who met an indicator in the windows, of which these are all cases.

    A meeting is of a case if the case has that contact, or if one of its sources took part while the case lasted.
    Without indicators, nothing else is read.

    Raises:
        TableError: a table is unreadable.
    """
    indicators = read_indicators(lake)
    if not len(indicators):
        return Met({}, ())
    return met_by(indicators, indicators.met([contacts_in(lake, windows)]), cases)


def in_order(cases: Sequence[Case], inventory: Inventory, met: Met) -> list[Case]:
    """The cases by severity; of one severity, those that are mainly about an indicator first, then by the machine.

    Others stay in their order. An indicator never moves a case to another severity, and makes none.
    """
    severities = [*SEVERITIES]

    def place(case: Case) -> tuple[object, ...]:
        return severities.index(case.severity), not met.is_about(case), inventory.machine(case).weight

    return sorted(cases, key=place)


def met_by(indicators: Indicators, meetings: Sequence[Meeting], cases: Sequence[Case]) -> Met:
    """As `met_in`, of these meetings."""
    of_cases: dict[str, tuple[Meeting, ...]] = {}
    taken: set[tuple[str, str]] = set()
    for case in cases:
        known = {_ends(one): one for one in _shown(case, indicators)}
        known |= {_ends(one): one for one in meetings if _is_of(one, case) or _ends(one) in known}
        taken |= {(one.host_ip, one.peer_ip) for one in known.values()}
        if known:
            newest = sorted(known.values(), key=lambda one: (-one.last.timestamp(), _ends(one)))
            main = [one for one in newest if _is_main(one, case)]
            of_cases[case.case_id] = tuple(dict.fromkeys([*main, *newest]))[:OF_CASE]
    return Met(of_cases, tuple(one for one in meetings if (one.host_ip, one.peer_ip) not in taken))


def _is_of(meeting: Meeting, case: Case) -> bool:
    """Whether a source of the case took part while the case lasted."""
    takes_part = meeting.host_ip in case.sources or meeting.peer_ip in case.sources
    return takes_part and meeting.first < case.end and meeting.last >= case.start


def _is_main(meeting: Meeting, case: Case) -> bool:
    """Whether both ends are among the sources of the case and whom it is mainly about."""
    return {meeting.host_ip, meeting.peer_ip} <= {*case.sources, *case.main_peers}


def _ends(meeting: Meeting) -> tuple[str, str, str, int]:
    return meeting.host_ip, meeting.role, meeting.peer_ip, meeting.peer_port


def _shown(case: Case, indicators: Indicators) -> list[Meeting]:
    """The contacts of the case that met an indicator; those of earlier windows are told by the case alone."""
    rows = [row for contact in case.contacts for row in _sides(contact)]
    return indicators.met([pa.Table.from_pylist(rows, schema=CONTACT)])


def _sides(contact: Contact) -> Iterator[dict[str, object]]:
    """The contact as its source has it, and as its target has it."""
    ends = (("outbound", contact.source, contact.target), ("inbound", contact.target, contact.source))
    for role, host, peer in ends:
        yield {
            "host_ip": host, "role": role, "peer_ip": peer, "peer_port": contact.port, "first": contact.first,
            "last": contact.last, "sessions": contact.sessions, "date": f"{contact.first:%Y-%m-%d}",
        }  # fmt: skip
