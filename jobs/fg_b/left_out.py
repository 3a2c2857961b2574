"""The rows of a history that the calendar leaves out of baselines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F

from common.calendar.entries import Calendar, Scope
from common.calendar.left_out import LeftOut
from common.lake.lake import Lake
from common.windows import WINDOW, Windows, floor_to_grid

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

SCHEMA = "out_ip string, out_from timestamp, out_until timestamp"
START = "window_start_ts"


@dataclass(frozen=True)
class History:
    """A table of the history, and the columns of the addresses that its rows are about, that of the host first.

    Its rows have something of an entry for so long `after` it.
    """

    table: str
    addresses: tuple[str, ...]
    after: timedelta


def read_without(
    lake: Lake, session: SparkSession, history: History, windows: Windows, calendar: Calendar
) -> tuple[DataFrame, LeftOut]:
    """The rows of the windows that the calendar does not leave out, and what it does.

    Which addresses an entry is about is looked up among those that occur while it lasts, a date at a time.

    Raises:
        TableError: the table is missing or unreadable.
    """
    rows, touching = lake.read(history.table, windows), calendar.touching(windows, history.after)
    left_out = LeftOut(touching, history.after)
    addresses: list[tuple[str, datetime, datetime]] = []
    for scope in touching.scopes:
        first, last = scope.entry.start_ts - WINDOW, scope.entry.end_ts + history.after
        if scope.entry.all_hosts:
            rows = rows.where(~((F.col(START) > F.lit(first)) & (F.col(START) < F.lit(last))))
        else:
            span = Windows(max(floor_to_grid(first), windows.start), min(floor_to_grid(last) + WINDOW, windows.end))
            addresses += [(address, first, last) for address in _about(lake, history, span, scope)]
    if addresses:
        out = session.createDataFrame(addresses, SCHEMA)
        for name in history.addresses:
            lies_in = (F.col(name) == F.col("out_ip")) & (F.col(START) > F.col("out_from"))
            rows = rows.join(out, lies_in & (F.col(START) < F.col("out_until")), "left_anti")
    if touching:
        for day in windows.by_day():
            found = lake.arrow(history.table, [START, *history.addresses], day, coded=history.addresses)
            left_out.kept(found[START], *(found[name] for name in history.addresses))
    return rows, left_out


def _about(lake: Lake, history: History, span: Windows, scope: Scope) -> list[str]:
    """The addresses of rows of the windows that the entry is about."""
    found: set[str] = set()
    for day in span.by_day():
        rows = lake.arrow(history.table, history.addresses, day, coded=history.addresses)
        for name in history.addresses:
            texts = pc.unique(rows[name].cast(pa.string()))
            found.update(texts.filter(pa.array(scope.has(texts))).to_pylist())
    return sorted(found)
