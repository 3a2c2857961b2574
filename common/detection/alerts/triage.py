"""Triage: what people made of cases, and the cases that this hides. Scores never change."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Protocol

import pyarrow as pa

from common.contracts.triage import TRIAGE
from common.detection.alerts.cases import Case
from common.detection.alerts.terms import CLOSED, HOST, NEW, PAIR, REPEATED, SEGMENT
from common.errors import InputError
from common.lake.lake import Lake
from common.lake.reader import LakeReader
from common.windows import iso

TABLE = TRIAGE.name


def change_id(case_id: str, changed_ts: datetime, changed_by: str) -> str:
    """The id of a change: a digest of its case, of when it was made, and by whom."""
    words = f"{case_id} {changed_ts.isoformat()} {changed_by}"
    return hashlib.sha256(words.encode()).hexdigest()[:12]


class Rule(Protocol):
    """What hides cases: a change that somebody made to one, or an entry of the allow list or of the calendar."""

    @property
    def change_id(self) -> str:
        """Its id."""

    @property
    def status(self) -> str:
        """How it marks what it hides."""

    @property
    def changed_by(self) -> str:
        """Who answers for it."""

    @property
    def note(self) -> str:
        """Why."""

    @property
    def expires_ts(self) -> datetime | None:
        """Until when it hides cases that begin."""

    def hides(self, case: Case) -> bool:
        """Whether it hides the case."""


@dataclass(frozen=True)
class Change:
    """What somebody made of a case. The last change of a case says how it stands; earlier ones are its history.

    `false` and `expected` are rules, too: until they expire, they hide cases that begin with one of the techniques and
    are about no other peers; without peers, whatever theirs. How far a rule reaches says its scope:

    - `pair`: the same source with the same peers;
    - `host`: the same source, whatever the peers;
    - `segment`: any source of the segment with the same peers;
    - `behaviour`: any source with the same peers.
    """

    case_id: str
    changed_ts: datetime
    changed_by: str
    status: str
    owner: str | None
    note: str
    scope: str
    source: str
    segment_id: str
    techniques: tuple[str, ...]
    peers: tuple[str, ...]
    expires_ts: datetime | None

    @property
    def change_id(self) -> str:
        """The id of the change."""
        return change_id(self.case_id, self.changed_ts, self.changed_by)

    def hides(self, case: Case) -> bool:
        """Whether the case, unless somebody says otherwise of it, is one of those that need no look."""
        if self.status == CLOSED:
            return case.case_id == self.case_id
        if self.status not in REPEATED or self.expires_ts is None or case.start >= self.expires_ts:
            return False
        of_any = self.scope == HOST or not self.peers
        return self._is_subject(case) and (of_any or case.main_peers <= {*self.peers})

    def _is_subject(self, case: Case) -> bool:
        if case.technique.name not in self.techniques:
            return False
        if self.scope in (PAIR, HOST):
            return case.source == self.source
        return self.scope != SEGMENT or case.segment_id == self.segment_id

    def to_row(self) -> dict[str, object]:
        """The change as a row of the table."""
        lists = {name: json.dumps(getattr(self, name)) for name in ("techniques", "peers")}
        return {"change_id": self.change_id, **asdict(self), **lists, "date": f"{self.changed_ts:%Y-%m-%d}"}


@dataclass(frozen=True)
class Wanted:
    """What somebody wants to make of a case; `days` is how long `false` and `expected` hide cases that begin.

    Without an owner, whoever worked on it still does.
    """

    status: str
    note: str
    owner: str | None
    by: str
    scope: str
    days: float


def change_of(case: Case, wanted: Wanted, seen: Change | None, now: datetime) -> Change:
    """The change of the case, of which `seen` is the last one so far."""
    return Change(
        case_id=case.case_id,
        changed_ts=now,
        changed_by=wanted.by,
        status=wanted.status,
        owner=wanted.owner or (seen.owner if seen else None),
        note=wanted.note.strip(),
        scope=wanted.scope,
        source=case.source,
        segment_id=case.segment_id,
        techniques=tuple(dict.fromkeys((case.technique.name, *case.techniques))),
        peers=tuple(sorted(case.main_peers)),
        expires_ts=now + timedelta(days=wanted.days) if wanted.status in REPEATED else None,
    )


NAMES = tuple(field.name for field in fields(Change))


def read_changes(lake: LakeReader) -> list[Change]:
    """All changes, in the order in which they were made.

    Raises:
        TableError: the table is unreadable.
    """
    if not lake.exists(TABLE):
        return []
    return _changes(lake.arrow(TABLE, [*NAMES]))


def record(lake: Lake, change: Change, seen: Change | None) -> None:
    """Adds a change of a case of which `seen` was the last one that whoever made it had seen.

    Raises:
        InputError: somebody else has changed the case since.
        CommitError: the table cannot be written.
    """
    row = pa.Table.from_pylist([change.to_row()], schema=TRIAGE.arrow)
    _require_seen(read_changes(lake), change, seen)

    def added(rows: pa.Table) -> pa.Table:
        _require_seen(_changes(rows), change, seen)
        return pa.concat_tables([rows.cast(TRIAGE.arrow), row])

    lake.rewrite(TABLE, {"date": [f"{change.changed_ts:%Y-%m-%d}"]}, added)


def standing(changes: Iterable[Change]) -> dict[str, Change]:
    """The last change of each case."""
    return {change.case_id: change for change in changes}


def triaged(
    cases: Sequence[Case], changes: Iterable[Change], allowed: Iterable[Rule] = ()
) -> tuple[list[Case], list[tuple[Case, Rule]]]:
    """The cases that need a look, and the others, each with what hides it; in their order.

    What was said of a case itself comes before any rule, and what was said of others before the allow list.
    """
    last = standing(changes)
    rules: list[Rule] = [*(change for change in last.values() if change.status in REPEATED), *allowed]
    shown: list[Case] = []
    hidden: list[tuple[Case, Rule]] = []
    for case in cases:
        own = last.get(case.case_id)
        candidates: list[Rule] = [own] if own and own.status != NEW else rules
        rule = next((change for change in candidates if change.hides(case)), None)
        if rule:
            hidden.append((case, rule))
        else:
            shown.append(case)
    return shown, hidden


def hidden_by(
    change: Change, cases: Sequence[Case], changes: Sequence[Change], allowed: Sequence[Rule] = ()
) -> list[Case]:
    """The cases that are shown now and would be hidden after the change."""
    before, _ = triaged(cases, changes, allowed)
    after, _ = triaged(before, [*changes, change], allowed)
    left = {case.case_id for case in after}
    return [case for case in before if case.case_id not in left]


def _require_seen(changes: Iterable[Change], change: Change, seen: Change | None) -> None:
    """Refuses a change of a case that somebody has changed after what was seen of it."""
    for other in changes:
        if other.case_id == change.case_id and (seen is None or other.changed_ts > seen.changed_ts):
            raise InputError(
                f"{other.changed_by} has marked case {other.case_id} as {other.status} at {iso(other.changed_ts)}",
                f"Look at it again: ndr-feedback --case {other.case_id} lists what was made of it",
            )


def _changes(rows: pa.Table) -> list[Change]:
    found = []
    for row in rows.select([*NAMES]).to_pylist():
        lists = {name: tuple(json.loads(row[name])) for name in ("techniques", "peers")}
        found.append(Change(**(row | lists)))
    return sorted(found, key=lambda change: (change.changed_ts, change.change_id))
