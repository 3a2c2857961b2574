"""The table `open_sessions`: what is open at the end of each window, carried from window to window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads

from common.arrays import Integers
from common.contracts.open_sessions import OPEN_COLUMNS
from common.contracts.types import arrow_schema
from common.contracts.window_columns import TIMESTAMP
from common.lake.lake import Lake
from common.lake.row_groups import by_number
from common.lake.selection import with_columns
from common.lake.window_files import window_files
from common.lake.window_status import read_statuses
from common.storage.filesystems import filesystem_of, without_scheme
from common.storage.scratch import writing
from common.windows import WINDOW, Windows
from jobs.delta.kept import Kept, rows_of
from jobs.delta.staging import ENDS, OPEN, SLICE

TABLE = "open_sessions"
SCHEMA = arrow_schema(OPEN_COLUMNS)
KEY = ["device_serial", "session_id", "start_ts"]
ROWS_PER_PASS = 1 << 20
"""Of start logs and updates, which are in memory together."""
TOLERANCE = 2_000_000
"""Records of one device and session id whose starts differ by at most so many microseconds are of one session."""


@dataclass(frozen=True)
class Records:
    """What the input says of open sessions.

    Attributes:
        openings: staged files of start logs and updates.
        sessions: the records of sessions that count within the run, and their duplicates.
        ends: staged files of the ends of other sessions.
    """

    openings: tuple[str, ...]
    sessions: Kept
    ends: tuple[str, ...]

    @property
    def count(self) -> int:
        """The number of start logs and updates."""
        return int(_dataset(self.openings, OPEN).count_rows())

    def opened_in(self, places: range) -> dict[int, pa.Table]:
        """The start logs and updates of windows, by the position of the window, in the order of the input."""
        return _by_place(_dataset(self.openings, OPEN).to_table(filter=_are_of(places)))

    def ended_in(self, places: range, sessions: pa.ChunkedArray) -> dict[int, pa.Table]:
        """The keys of the records of windows that end sessions with one of these ids, by the position of the window."""
        wanted = _among(sessions) & _are_of(places)
        found = [_dataset(self.ends, ENDS).to_table(filter=wanted)]
        for rows in rows_of(self.sessions, ENDS.names) if len(sessions) else ():
            found.append(with_columns(rows.filter(wanted), ENDS))
        return _by_place(pa.concat_tables(found))


def _by_place(rows: pa.Table) -> dict[int, pa.Table]:
    """The rows of each window, by its position in the windows of the run."""
    return dict(by_number(rows, rows[SLICE.name].to_numpy()))


def _are_of(places: range) -> pads.Expression:
    place = pads.field(SLICE.name)
    return (place >= places.start) & (place < places.stop)


def _among(sessions: pa.ChunkedArray) -> pads.Expression:
    """Of records that end sessions with one of these ids."""
    return pads.field("session_id").isin(sessions.unique()) & pads.field("start_ts").is_valid()


def _dataset(paths: Sequence[str], schema: pa.Schema) -> pads.Dataset:
    """The rows of Parquet files, in their order; it reads once what the files say of their row groups."""
    filesystem = filesystem_of(paths[0]) if paths else None
    return pads.dataset([without_scheme(path) for path in paths], schema, "parquet", filesystem=filesystem)


def write_open(lake: Lake, records: Records, windows: Windows, oldest: timedelta) -> tuple[int, int]:
    """Replaces the windows of the table; returns its new version and their rows.

    Raises:
        TableError: the window before cannot be read.
        CommitError: the table cannot be written.
    """
    held = carried(lake, windows)
    with writing(lake.uri, TABLE), window_files(lake, TABLE, windows) as files:
        for places in passes(len(windows), records.count):
            opened = records.opened_in(places)
            candidates = [held, *(rows.select(SCHEMA.names) for rows in opened.values())]
            ended = records.ended_in(places, pa.concat_tables(candidates)["session_id"])
            for place in places:
                if place in opened:
                    held = pa.concat_tables([held, opened[place].select(SCHEMA.names)])
                if len(held):
                    held = still_open(held, ended.get(place, ENDS.empty_table()))
                    oldest_start = windows.start + (place + 1) * WINDOW - oldest
                    held = held.filter(pc.greater_equal(held["start_ts"], pa.scalar(oldest_start, TIMESTAMP)))
                    files.add(held, pa.chunked_array([np.full(len(held), place, np.int32)]))
        files.flush()
        return lake.replace_files(TABLE, files.actions, windows), files.rows


def passes(windows: int, rows: int) -> Iterator[range]:
    """The positions of so many windows in parts, each of which has about `ROWS_PER_PASS` of all rows."""
    size = max(1, windows * ROWS_PER_PASS // max(rows, ROWS_PER_PASS))
    yield from (range(first, min(first + size, windows)) for first in range(0, windows, size))


def carried(lake: Lake, windows: Windows) -> pa.Table:
    """What was open at the end of the window before, in a fixed order."""
    if not lake.exists(TABLE):
        return SCHEMA.empty_table()
    rows = lake.arrow(TABLE, SCHEMA.names, before(windows)).cast(SCHEMA)
    return rows.sort_by([(name, "ascending") for name in (*KEY, "last_seen_ts")])


def gap(lake: Lake, windows: Windows) -> str | None:
    """Why nothing is carried into the windows: the lake has earlier ones, but not the one before; None otherwise."""
    last = before(windows)
    if last.key in read_statuses(lake, last):
        return None
    held = lake.window_bounds("delta_host")
    if held is None or held.start >= windows.start:
        return None
    return f"the lake has no window {last}: what was open before is not known"


def before(windows: Windows) -> Windows:
    """The window before these."""
    return Windows(windows.start - WINDOW, windows.start)


def still_open(records: pa.Table, ended: pa.Table) -> pa.Table:
    """The last of several records of a session, in their order, without the sessions that ended."""
    both = pa.concat_tables([records.select(KEY), ended.select(KEY)], promote_options="default")
    device, session = (_codes(both[name]) for name in KEY[:2])
    start = both["start_ts"].cast(pa.int64()).to_numpy()
    seen = np.full(len(both), np.iinfo(np.int64).max)  # an end comes after all others
    seen[: len(records)] = records["last_seen_ts"].cast(pa.int64()).to_numpy()
    order = np.lexsort((start, session, device))
    begins = np.ones(len(order), dtype=bool)
    same = (np.diff(device[order]) == 0) & (np.diff(session[order]) == 0)
    begins[1:] = ~same | (np.diff(start[order]) > TOLERANCE)
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.cumsum(begins)
    by_time = np.lexsort((seen, number))
    is_last = np.append(np.diff(number[by_time]) > 0, [True])
    last = by_time[is_last]
    return records.take(pa.array(np.sort(last[last < len(records)])))


def _codes(column: pa.ChunkedArray) -> Integers:
    """A number for each distinct text, null being one of them."""
    codes: Integers = column.combine_chunks().dictionary_encode(null_encoding="encode").indices.to_numpy()
    return codes
