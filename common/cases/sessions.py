"""The sessions that the table `sessions` keeps of a case or a host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from common.cases.ends import Ends, of_case
from common.contracts.session import SESSION_COLUMNS, SOURCE_COLUMNS
from common.detection.alerts.cases import Case
from common.lake.reader import LakeReader
from common.lake.window_rows import rows_by_window
from common.windows import Windows

TABLE = "sessions"
NAMES = [column.name for column in (*SESSION_COLUMNS, *SOURCE_COLUMNS)]
BY_TIME = [("end_ts", "ascending")]


def kept_windows(lake: LakeReader, windows: Windows) -> list[Windows]:
    """Those of the windows whose sessions are in the lake.

    Raises:
        TableError: the table is unreadable.
    """
    held = rows_by_window(lake, TABLE, windows)
    return [window for window in windows if window.key in held]


def sessions_of(lake: LakeReader, wanted: Sequence[Ends], kept: Sequence[Windows]) -> pa.Table:
    """The wanted sessions of windows that are kept, with all columns, in order of their end.

    Raises:
        TableError: the table is unreadable.
    """
    parts = [_among(_candidates(lake, wanted, window, NAMES), wanted) for window in kept]
    return pa.concat_tables([_schema(lake, NAMES).empty_table(), *parts]).sort_by(BY_TIME)


@dataclass(frozen=True)
class FirstSessions:
    """The first sessions of a case in order of their end, and how many there are."""

    rows: pa.Table
    count: int


def first_sessions(lake: LakeReader, cases: Sequence[Case], columns: Sequence[str], most: int) -> list[FirstSessions]:
    """The first sessions of each case, as far as they are kept, `most` at most; each window is read once.

    Raises:
        TableError: the table is unreadable.
    """
    if not cases:
        return []
    wanted = [of_case(case) for case in cases]
    found = [FirstSessions(_schema(lake, columns).empty_table(), 0) for _ in cases]
    for window in kept_windows(lake, Windows(min(case.start for case in cases), max(case.end for case in cases))):
        during = [number for number, case in enumerate(cases) if case.start < window.end and window.start < case.end]
        if not during:
            continue
        every = [ends for number in during for ends in wanted[number]]
        rows = _candidates(lake, every, window, columns)
        for number in during:
            held, mine = found[number], _among(rows, wanted[number])
            more = mine.sort_by(BY_TIME).slice(0, most - len(held.rows))
            found[number] = FirstSessions(pa.concat_tables([held.rows, more]), held.count + len(mine))
    return found


def _candidates(lake: LakeReader, wanted: Sequence[Ends], window: Windows, columns: Sequence[str]) -> pa.Table:
    """Sessions of a window that may be wanted: those that the sources opened; both ways, those with them, too."""
    sources = {ends.source for ends in wanted}
    rows = lake.arrow(TABLE, columns, window, equal={"src_ip": sources})
    if answering := {ends.source for ends in wanted if ends.both_ways}:
        others = lake.arrow(TABLE, columns, window, equal={"dst_ip": answering})
        known = pc.is_in(others["src_ip"], pa.array(sorted(sources), pa.string()))
        rows = pa.concat_tables([rows, others.filter(pc.invert(known))])
    return rows.cast(_schema(lake, columns))


def _among(rows: pa.Table, wanted: Sequence[Ends]) -> pa.Table:
    return rows.filter(reduce(pc.or_, (ends.among(rows) for ends in wanted))) if wanted else rows.slice(0, 0)


def _schema(lake: LakeReader, columns: Sequence[str]) -> pa.Schema:
    return pa.schema([lake.table(TABLE).arrow.field(name) for name in columns])
