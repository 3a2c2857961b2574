"""The table `open_sessions`: what is open at the end of each window, carried from window to window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads

from common.arrays import Integers
from common.contracts.open_sessions import OPEN_COLUMNS
from common.contracts.types import arrow_schema
from common.contracts.window_columns import TIMESTAMP, WINDOW_MICROS, micros
from common.lake.lake import Lake
from common.lake.window_files import window_files
from common.lake.window_status import read_statuses
from common.logs.files import local_path
from common.storage.filesystems import filesystem_of, without_scheme
from common.storage.scratch import writing
from common.windows import WINDOW, Windows
from jobs.delta.staged import StagedFile
from jobs.delta.staging import ENDS, OPEN, SLICE

TABLE = "open_sessions"
SCHEMA = arrow_schema(OPEN_COLUMNS)
KEY = ["device_serial", "session_id", "start_ts"]
TOLERANCE = 2_000_000
"""Records of one device and session id whose starts differ by at most so many microseconds are of one session."""


class Records(Protocol):
    """What the input says of open sessions."""

    def opened_in(self, place: int) -> pa.Table:
        """The start logs and updates of a window, in the order of the input."""
        ...

    def ended_in(self, place: int, sessions: pa.Array) -> pa.Table:
        """The keys of the records of a window that end sessions with one of these ids."""
        ...


@dataclass(frozen=True)
class StagedRecords:
    """Start logs and updates, sessions that count, and ends of those that do not, in staged files."""

    opened: tuple[str, ...]
    sessions: tuple[StagedFile, ...]
    ends: tuple[str, ...]

    def opened_in(self, place: int) -> pa.Table:
        """The start logs and updates of a window, in the order of the input."""
        return self._opened.to_table(SCHEMA.names, filter=pads.field(SLICE.name) == place)

    def ended_in(self, place: int, sessions: pa.Array) -> pa.Table:
        """The keys of the records of a window that end sessions with one of these ids."""
        among = _among(sessions)
        counted = _dataset([file.path for file in self.sessions if file.place == place], ENDS)
        others = self._ends.to_table(KEY, filter=among & (pads.field(SLICE.name) == place))
        return pa.concat_tables([counted.to_table(KEY, filter=among), others])

    @cached_property
    def _opened(self) -> pads.Dataset:
        return _dataset(self.opened, OPEN)

    @cached_property
    def _ends(self) -> pads.Dataset:
        return _dataset(self.ends, ENDS)


@dataclass(frozen=True)
class ScannedRecords:
    """Sessions that have ended, in canonical Parquet files."""

    windows: Windows
    ends: tuple[str, ...]

    def opened_in(self, place: int) -> pa.Table:
        """Nothing, in any window."""
        return SCHEMA.empty_table()

    def ended_in(self, place: int, sessions: pa.Array) -> pa.Table:
        """The keys of the records of a window that end sessions with one of these ids."""
        return self._ends.to_table(KEY, filter=_among(sessions) & self._is_of(place))

    @cached_property
    def _ends(self) -> pads.Dataset:
        return _dataset([local_path(path) for path in self.ends], ENDS.append(pa.field("end_ts", TIMESTAMP)))

    def _is_of(self, place: int) -> pads.Expression:
        if len(self.windows) == 1:
            return pads.scalar(True)
        begin = micros(self.windows)[0] + place * WINDOW_MICROS
        first, after = (pa.scalar(moment, pa.int64()).cast(TIMESTAMP) for moment in (begin, begin + WINDOW_MICROS))
        return (pads.field("end_ts") >= first) & (pads.field("end_ts") < after)


def _among(sessions: pa.Array) -> pads.Expression:
    """Of records that end sessions with one of these ids."""
    return pads.field("session_id").isin(pc.unique(sessions)) & pads.field("start_ts").is_valid()


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
        for place, window in enumerate(windows):
            held = pa.concat_tables([held, records.opened_in(place)])
            if len(held):
                held = still_open(held, records.ended_in(place, held["session_id"].combine_chunks()))
                held = held.filter(pc.greater_equal(held["start_ts"], pa.scalar(window.end - oldest, TIMESTAMP)))
                files.add(held, pa.chunked_array([np.full(len(held), place, np.int32)]))
        files.flush()
        return lake.replace_files(TABLE, files.actions, windows), files.rows


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
