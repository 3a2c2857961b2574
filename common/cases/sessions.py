"""The sessions that the table `sessions` keeps of a case or a host."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from common.cases.ends import Ends
from common.contracts.session import SESSION_COLUMNS, SOURCE_COLUMNS
from common.lake.reader import LakeReader
from common.lake.window_rows import rows_by_window
from common.windows import Windows

TABLE = "sessions"
NAMES = [column.name for column in (*SESSION_COLUMNS, *SOURCE_COLUMNS)]


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
    return pa.concat_tables(_found(lake, wanted, kept)).sort_by([("end_ts", "ascending")])


def _found(lake: LakeReader, wanted: Sequence[Ends], kept: Sequence[Windows]) -> Iterator[pa.Table]:
    """The wanted sessions of each window."""
    schema = pa.schema([lake.table(TABLE).arrow.field(name) for name in NAMES])
    yield schema.empty_table()
    for window in kept:
        rows = lake.arrow(TABLE, NAMES, window).cast(schema)
        yield rows.filter(reduce(pc.or_, (ends.among(rows) for ends in wanted)))
