"""Contacts of hosts by date: who met whom, on which service, when and how often."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date, timedelta

import pyarrow as pa

from common.lake.lake import Lake
from common.windows import Windows

KEY = ("host_ip", "role", "peer_ip", "peer_port")
CONTACT = pa.schema(
    [
        *((name, pa.int32() if name == "peer_port" else pa.string()) for name in KEY),
        ("first", pa.timestamp("us", "UTC")),
        ("last", pa.timestamp("us", "UTC")),
        ("sessions", pa.int64()),
        ("date", pa.string()),
    ]
)
DAYS = ("pair_days", {"first_slice_ts": "first", "last_slice_ts": "last", "sessions_cnt": "sessions", "date": "date"})
SLICES = ("delta_pair", {"first_ts": "first", "last_ts": "last", "sessions_cnt": "sessions", "date": "date"})
DAY = timedelta(days=1)


def contact_days(lake: Lake, days: int | None) -> Iterator[pa.Table]:
    """The contacts of each of the last so many UTC dates of the lake, or of all, with the columns of `CONTACT`.

    Dates that `pair_days` has come from there, with the precision of a window, others from `delta_pair`. Texts are
    dictionaries.

    Raises:
        TableError: a table is unreadable.
    """
    for (name, columns), day in tables_of_days(lake, days):
        rows = lake.arrow(name, [*KEY, *columns], equal={"date": day}, coded=KEY[:3])
        yield rows.rename_columns([*KEY, *columns.values()])


def tables_of_days(
    lake: Lake, days: int | None, last: str | None = None
) -> Iterator[tuple[tuple[str, Mapping[str, str]], str]]:
    """`DAYS` or `SLICES`, whichever has the contacts, and the date, of each of the last so many UTC dates, or of all.

    The last one, which may still go on, is `last`, or the last that the lake has. Dates that it lacks are left out.
    """
    rolled, sliced = ({row["date"] for row in lake.partitions(name)} for name, _ in (DAYS, SLICES))
    for day in last_days(rolled | sliced, days, last):
        is_last = day == (last or max(rolled | sliced))
        if is_last and day not in sliced:
            continue
        yield (DAYS if day in rolled and not is_last else SLICES), day


def contacts_in(lake: Lake, windows: Windows) -> pa.Table:
    """The contacts of the windows, a row for each window; else as `contact_days`.

    Raises:
        TableError: the table is unreadable.
    """
    name, columns = SLICES
    if not lake.exists(name):
        return CONTACT.empty_table()
    rows = lake.arrow(name, [*KEY, *columns], windows, coded=KEY[:3])
    return rows.rename_columns([*KEY, *columns.values()])


def summed(parts: Collection[pa.Table], key: tuple[str, ...] = KEY) -> pa.Table:
    """One row per key: `first` and `last` time, `sessions`, and `days_cnt`, on how many dates; the newest first."""
    sums = [("first", "min"), ("last", "max"), ("sessions", "sum"), ("date", "count_distinct")]
    found = pa.concat_tables(parts).group_by(list(key)).aggregate(sums)
    found = found.rename_columns([*key, "first", "last", "sessions", "days_cnt"])
    return found.sort_by([("last", "descending"), *((name, "ascending") for name in key)])


def last_days(held: Collection[str], days: int | None, last: str | None = None) -> list[str]:
    """The dates among the last so many (None: all), up to the given one or the last one that is held, in order."""
    last = last or max(held, default="")
    since = "" if days is None or not last else f"{date.fromisoformat(last) - (days - 1) * DAY:%Y-%m-%d}"
    return sorted(day for day in held if since <= day <= last)
