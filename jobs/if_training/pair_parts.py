"""The evidence of a training range, made by parts of the hosts.

Three passes, of which the first goes by dates: `Survey` says what pairs are with and how many rows each host has;
`Histories` when hosts met what; with that of all hosts, `Evidences` leaves the evidence in a scratch folder.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.calendar.entries import Calendar
from common.calendar.left_out import LeftOut
from common.detection.pairs.activity import Targets, own_activity, with_others
from common.detection.pairs.evidence import pair_evidence, spread_evidence, spreads
from common.detection.pairs.first_seen import Met
from common.detection.pairs.kept_evidence import KeptEvidence, keep_evidence
from common.detection.pairs.part_rows import EvidencePart
from common.detection.pairs.reading import CONTACT_COLUMNS, PairReader
from common.detection.parameters import PairParameters
from common.lake.host_ranges import Part, host_ranges
from common.lake.reader import LakeReader
from common.runtime.output import doing, progress
from common.storage.kept_tables import KeptTables
from common.windows import Windows

ROWS_PER_PART = 2_500_000
"""Pair rows of the range that are in memory at once. Fewer would read the same parts of files more often."""
MEMBERS = ("pairs", "spread")


@dataclass(frozen=True, eq=False)
class Scope:
    """What all parts work on; `hosts` are those to learn from, None for all.

    `left_out` leaves the rows of pairs out that teach nothing, because either side lies in the calendar.
    """

    lake: LakeReader
    windows: Windows
    hosts: Sequence[str] | None
    internal_cidrs: Sequence[str]
    parameters: PairParameters
    tables: KeptTables
    left_out: LeftOut = field(default_factory=lambda: LeftOut(Calendar()))


@dataclass(frozen=True, eq=False)
class Survey:
    """The first pass, over dates."""

    scope: Scope

    def __call__(self, day: Windows) -> tuple[Targets | None, Counter[str]]:
        """What the pairs of the date are with, None if there are none; and how many rows each host has."""
        reader, contacts, rows = PairReader(self.scope.lake, self.scope.parameters), [], Counter[str]()
        for part in reader.slices(day, CONTACT_COLUMNS):
            mine = part if self.scope.hosts is None else part.of_hosts(self.scope.hosts)
            if len(mine.table):
                contacts.append(mine.contacts.without_hosts())
                counted = pc.value_counts(mine.table["host_ip"].cast(pa.string()))
                rows.update({entry["values"]: entry["counts"] for entry in counted.to_pylist()})
        return Targets.of(contacts, day) if contacts else None, rows


@dataclass(frozen=True, eq=False)
class Histories:
    """The second pass: when the hosts of the part met what the pairs of each date are with."""

    scope: Scope
    targets: Mapping[Windows, Targets]

    def __call__(self, part: Part) -> list[Met]:
        """The sums of the part, by date; its own activity is kept."""
        scope, found = self.scope, []
        reader = PairReader(scope.lake, scope.parameters, keeps=True, hosts=part.hosts)
        for day, targets in self.targets.items():
            seen = [*reader.slices(day)]
            contacts = [some.contacts for some in seen]
            if scope.hosts is not None:
                seen = [mine for some in seen if len((mine := some.of_hosts(scope.hosts)).table)]
            own = own_activity(reader, day, targets, scope.internal_cidrs, scope.parameters, (seen, contacts))
            if own.rows is not None and len(own.rows):
                scope.tables.keep(_own(part, day), own.rows)
            found.append(own.met)
        return found


@dataclass(frozen=True, eq=False)
class Evidences:
    """The third pass: the evidence of both members, which is kept."""

    scope: Scope
    met: Mapping[Windows, Met]

    def __call__(self, part: Part) -> bool:
        """Keeps that of the part, if its hosts did anything that teaches; whether they did."""
        tables, parameters = self.scope.tables, self.scope.parameters
        pairs, counts = [], []
        for day, met in self.met.items():
            if tables.has(_own(part, day)):
                activity = with_others(tables.kept(_own(part, day)), met, parameters)
                tables.drop(_own(part, day))
                columns = (activity[name] for name in ("window_start_ts", "host_ip", "peer_ip"))
                if not (kept := self.scope.left_out.kept(*columns)).all():
                    activity = activity.filter(pa.array(kept))
                if not len(activity):
                    continue
                pairs.append(pair_evidence(activity, parameters))
                counts.append(spread_evidence(spreads(activity)))
        if not pairs:
            return False
        for member, evidence in zip(MEMBERS, (pairs, counts), strict=True):
            keep_evidence(tables, _name(member, part), evidence)
        return True


def keep_parts(scope: Scope) -> list[Part]:
    """The parts of the hosts, whose evidence is kept; none if there are no pairs.

    Raises:
        TableError: a table is missing or unreadable, or names too many hosts, peers and services.
    """
    doing("looking at pairs")
    days = scope.windows.by_day()
    found = {day: Survey(scope)(day) for day in days}
    targets = {day: of_day for day, (of_day, _) in found.items() if of_day is not None}
    rows = sum((counted for _, counted in found.values()), Counter[str]())
    hosts = sorted(rows)
    ranges = host_ranges(hosts, np.array([rows[host] for host in hosts], dtype=np.int64), ROWS_PER_PART)
    parts = [Part(number, some) for number, some in enumerate(ranges)] if hosts else []
    met: list[Met] = []
    for part in parts:
        progress(part.number, len(parts), "parts")
        found_there = Histories(scope, targets)(part)
        met = [Met.merged(both) for both in zip(met, found_there, strict=True)] if met else found_there
    evidences = Evidences(scope, dict(zip(targets, met, strict=True)))
    return [part for part in parts if evidences(part)]


def evidence_of(scope: Scope, member: str, parts: Sequence[Part], first: int, last: int) -> list[EvidencePart]:
    """The kept evidence of a member in the windows from number `first` up to number `last`, without the latter."""
    return [KeptEvidence(scope.tables, _name(member, part), first, last) for part in parts]


def _own(part: Part, day: Windows) -> str:
    return f"own-{part.number}-{day.key}"


def _name(member: str, part: Part) -> str:
    return f"{member}-{part.number}"
