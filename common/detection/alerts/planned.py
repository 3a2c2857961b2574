"""Cases that an entry of the calendar has planned: what its hosts do while it lasts. Their scores stay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from common.calendar.entries import Scope, read_calendar
from common.detection.alerts.allow_list import read_allowed
from common.detection.alerts.cases import Case
from common.detection.alerts.terms import EXPECTED
from common.detection.alerts.triage import Rule
from common.lake.reader import LakeReader
from common.windows import WINDOW


@dataclass(frozen=True)
class Planned:
    """An entry of the calendar as what hides cases.

    It hides a case whose sources it is all about, and that neither began before it nor goes on after it: what a host
    does beyond the plan is shown.
    """

    scope: Scope

    @property
    def change_id(self) -> str:
        """What the entry is called where changes have their id."""
        return f"calendar:{self.scope.entry.name}"

    @property
    def status(self) -> str:
        """How it marks what it hides."""
        return EXPECTED

    @property
    def changed_by(self) -> str:
        """Who answers for it."""
        return self.scope.entry.owner

    @property
    def note(self) -> str:
        """That it is planned, its name and why."""
        return f"planned, {self.scope.entry.name}: {self.scope.entry.reason}"

    @property
    def expires_ts(self) -> datetime:
        """The end of the entry."""
        return self.scope.entry.end_ts

    def hides(self, case: Case) -> bool:
        """Whether the case is planned."""
        entry = self.scope.entry
        lasts = case.start > entry.start_ts - WINDOW and case.end < entry.end_ts + WINDOW
        return lasts and bool(self.scope.has(pa.array(case.sources, pa.string())).all())


def read_rules(lake: LakeReader) -> list[Rule]:
    """What hides cases besides changes: the entries of the allow list, then those of the calendar.

    Raises:
        TableError: a table is unreadable.
        ParameterError: another release put something in place that this one does not know.
    """
    return [*read_allowed(lake), *map(Planned, read_calendar(lake).scopes)]
