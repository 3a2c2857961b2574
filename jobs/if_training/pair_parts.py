"""The evidence of a training range, made by parts of the hosts.

Three passes, of which the first goes by dates: `Survey` says what pairs are with and how many rows each host has;
`Histories` when hosts met what; with that of all hosts, `Evidences` leaves the evidence in a scratch folder. Threads or
the workers of a cluster share the dates and the parts.
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
from common.detection.pairs.owners import OwnersFile
from common.detection.pairs.part_rows import EvidencePart
from common.detection.pairs.reading import CONTACT_COLUMNS, PairReader
from common.detection.parameters import PairParameters
from common.lake.host_ranges import Part, host_ranges
from common.lake.reader import LakeReader
from common.runtime.engine import Engine
from common.runtime.output import doing
from common.runtime.parts import each_part
from common.storage.kept_tables import KeptTables
from common.windows import Windows

ROWS_PER_PART = 1_250_000
"""Pair rows of the range that each thread or worker has in memory. Fewer would read the same parts of files more often.
"""
MEMBERS = ("pairs", "spread")


@dataclass(frozen=True, eq=False)
class Scope:
    """What all parts work on; `drawn` are the numbers of the windows to learn from, None for all.

    `left_out` leaves the rows of pairs out that teach nothing, because either side lies in the calendar.
    """

    lake: LakeReader
    windows: Windows
    drawn: Sequence[int] | None
    internal_cidrs: Sequence[str]
    parameters: PairParameters
    tables: KeptTables
    owners: OwnersFile | None
    left_out: LeftOut = field(default_factory=lambda: LeftOut(Calendar()))


@dataclass(frozen=True, eq=False)
class Survey:
    """The first pass, over dates."""

    scope: Scope

    def __call__(self, day: Windows) -> tuple[Targets | None, Counter[str]]:
        """What the pairs of the date are with, None if there are none; and how many rows each host has."""
        scope, contacts, rows = self.scope, [], Counter[str]()
        reader = PairReader(scope.lake, scope.parameters, owners=scope.owners)
        for part in reader.slices(day, CONTACT_COLUMNS):
            contacts.append(part.contacts.without_hosts())
            counted = pc.value_counts(part.table["host_ip"].cast(pa.string()))
            rows.update({entry["values"]: entry["counts"] for entry in counted.to_pylist()})
        return Targets.of(contacts, day) if contacts else None, rows


@dataclass(frozen=True, eq=False)
class Histories:
    """The second pass: when the hosts of the part met what the pairs of each date are with."""

    scope: Scope
    targets: Mapping[Windows, Targets]

    def __call__(self, part: Part) -> list[Met]:
        """The sums of the part, by date; its own activity in the windows to learn from is kept."""
        scope, found = self.scope, []
        reader = PairReader(scope.lake, scope.parameters, keeps=True, hosts=part.hosts, owners=scope.owners)
        for day, targets in self.targets.items():
            own = own_activity(reader, day, targets, scope.internal_cidrs, scope.parameters)
            rows = own.rows
            if rows is not None and scope.drawn is not None:
                rows = rows.filter(pa.array(np.isin(rows["window_number"].to_numpy(), scope.drawn)))
            if rows is not None and len(rows):
                scope.tables.keep(_own(part, day), rows)
            found.append(own.met)
        return found


@dataclass(frozen=True, eq=False)
class Evidences:
    """The third pass: the evidence of both members, which is kept."""

    scope: Scope
    met: Mapping[Windows, Met]

    def __call__(self, part: Part) -> tuple[bool, LeftOut]:
        """Keeps that of the part, if its hosts did anything that teaches; whether they did, and what was left out."""
        tables, parameters, left_out = self.scope.tables, self.scope.parameters, self.scope.left_out.anew()
        pairs, counts = [], []
        for day, met in self.met.items():
            if tables.has(_own(part, day)):
                activity = with_others(tables.kept(_own(part, day)), met, parameters)
                tables.drop(_own(part, day))
                columns = (activity[name] for name in ("window_start_ts", "host_ip", "peer_ip"))
                if not (kept := left_out.kept(*columns)).all():
                    activity = activity.filter(pa.array(kept))
                if not len(activity):
                    continue
                pairs.append(pair_evidence(activity, parameters))
                counts.append(spread_evidence(spreads(activity)))
        for member, evidence in zip(MEMBERS, (pairs, counts), strict=True):
            if evidence:
                keep_evidence(tables, _name(member, part), evidence)
        return bool(pairs), left_out


def keep_parts(scope: Scope, engine: Engine) -> list[Part]:
    """The parts of the hosts, whose evidence is kept; none if there are no pairs. What was left out is counted.

    Raises:
        TableError: a table is missing or unreadable, or names too many hosts, peers and services.
    """
    doing("looking at pairs")
    days = scope.windows.by_day()
    found = dict(zip(days, each_part(engine, Survey(scope), days), strict=True))
    targets = {day: of_day for day, (of_day, _) in found.items() if of_day is not None}
    rows = sum((counted for _, counted in found.values()), Counter[str]())
    hosts = sorted(rows)
    if not hosts:
        return []
    ranges = host_ranges(hosts, np.array([rows[host] for host in hosts], dtype=np.int64), ROWS_PER_PART)
    parts = [Part(number, some) for number, some in enumerate(ranges)]
    met: list[Met] = []
    for there in each_part(engine, Histories(scope, targets), parts):
        met = [Met.merged(both) for both in zip(met, there, strict=True)] if met else there
    kept = []
    work = Evidences(scope, dict(zip(targets, met, strict=True)))
    for part, (has_evidence, left_out) in zip(parts, each_part(engine, work, parts), strict=True):
        scope.left_out.include(left_out)
        if has_evidence:
            kept.append(part)
    return kept


def evidence_of(scope: Scope, member: str, parts: Sequence[Part], first: int, last: int) -> list[EvidencePart]:
    """The kept evidence of a member in the windows from number `first` up to number `last`, without the latter."""
    return [KeptEvidence(scope.tables, _name(member, part), first, last) for part in parts]


def _own(part: Part, day: Windows) -> str:
    return f"own-{part.number}-{day.key}"


def _name(member: str, part: Part) -> str:
    return f"{member}-{part.number}"
