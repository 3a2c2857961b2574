"""What a channel is told of a case, or of what is told like one: that it is new, changed or closed; each once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from common.contracts.triage import HANDOVERS
from common.detection.alerts.terms import CLOSED, EXPECTED, FALSE
from common.lake.lake import Lake

CREATE, UPDATE, CLOSE = ACTIONS = ("create", "update", "close")
TABLE = HANDOVERS.name
DONE = (FALSE, EXPECTED, CLOSED)
TELLING = ("severity", "technique", "status", "owner", "sources", "targets", "hidden_by")
"""What makes a case another one for those who work on it, with the indicators met; that it goes on does not."""


@dataclass(frozen=True)
class Handover:
    """One message about a case. `key` is the same for the same case in the same state, so that it counts once."""

    case: Mapping[str, Any]
    action: str
    state: str

    @property
    def key(self) -> str:
        """The deduplication key."""
        return f"{self.case['case_id']}-{self.state}"


def state_of(case: Mapping[str, Any]) -> str:
    """A digest of what tells about a case."""
    told = {name: case[name] for name in TELLING}
    if met := sorted({one["indicator_id"] for meeting in case["indicators"] for one in meeting["indicators"]}):
        told["indicators"] = met
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def is_done(case: Mapping[str, Any]) -> bool:
    """Whether nobody needs to look at the case any more."""
    return case["status"] in DONE or case["hidden_by"] is not None


def first_handover(case: Mapping[str, Any]) -> Handover:
    """The message about a case to those who know nothing of it."""
    return Handover(case, CLOSE if is_done(case) else CREATE, state_of(case))


@dataclass(frozen=True)
class Handed:
    """A row of the table: what a channel was told of a case."""

    channel: str
    case_id: str
    action: str
    state: str
    handed_ts: datetime
    date: str


class Channel:
    """What a channel has been told, by the table `handovers`; `noted` messages of these now."""

    def __init__(self, lake: Lake, name: str) -> None:
        self._lake, self._name = lake, name
        self.noted = 0
        self._last: dict[str, Handed] = {}
        if lake.exists(TABLE):
            rows = lake.arrow(TABLE, list(HANDOVERS.column_names), equal={"channel": name}).to_pylist()
            for row in sorted(rows, key=lambda row: row["handed_ts"]):
                self._last[row["case_id"]] = Handed(**row)

    def next_of(self, case: Mapping[str, Any]) -> Handover | None:
        """What it is to be told of the case now; None if it knows, or if the case was over before it heard of it."""
        handover, last = first_handover(case), self._last.get(case["case_id"])
        if last is None:
            return None if handover.action == CLOSE else handover
        if last.state == handover.state:
            return None
        return handover if handover.action == CLOSE else Handover(case, UPDATE, handover.state)

    def news(
        self, cases: Iterable[Mapping[str, Any]], over: Callable[[str], Mapping[str, Any] | None]
    ) -> list[Handover]:
        """What it is to be told of the cases, and what closes those that it knows, where `over` has it by their ids."""
        told = [handover for case in cases if (handover := self.next_of(case))]
        known = (over(case_id) for case_id, last in self._last.items() if last.action != CLOSE)
        return told + [first_handover(case) for case in known if case is not None]

    def note(self, handover: Handover, now: datetime) -> None:
        """Notes that the channel has been told.

        Raises:
            CommitError: the table cannot be written.
        """
        handed = Handed(self._name, handover.case["case_id"], handover.action, handover.state, now, f"{now:%Y-%m-%d}")
        row = pa.Table.from_pylist([asdict(handed)], schema=HANDOVERS.arrow)
        self._lake.rewrite(TABLE, {"date": [handed.date]}, lambda rows: pa.concat_tables([rows.cast(row.schema), row]))
        self._last[handed.case_id] = handed
        self.noted += 1
