"""Contacts of hosts over days: who met whom, on which service, when and how often."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from common.addresses import are_internal
from common.coded import encoded
from common.lake.lake import Lake

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
OF_SESSION = {"src_ip": "host_ip", "dst_ip": "peer_ip", "dst_port": "peer_port"}
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Wanted:
    """What to look for; None for any. The peer is an address or a network."""

    host: str | None
    peer: str | None
    port: int | None

    def among(self, rows: pa.Table) -> pa.Table:
        """The rows that are wanted."""
        if self.host is not None:
            rows = rows.filter(pc.equal(rows["host_ip"].cast(pa.string()), self.host))
        if self.port is not None:
            rows = rows.filter(pc.equal(rows["peer_port"], self.port))
        if self.peer is not None:
            rows = rows.filter(_lies_in(rows["peer_ip"], self.peer))
        return rows


def contacts(lake: Lake, wanted: Wanted, app: str | None, days: int) -> pa.Table:
    """One row per host, role, peer and port that is wanted, of the last so many UTC dates of the lake.

    With `first` and `last` time, `sessions` and `days_cnt`, how many dates; the newest first. Dates that `pair_days`
    has come from there, with the precision of a window, others from `delta_pair`. Only `sessions` know applications:
    with one, the rows are those of sessions that are still kept, whose host is the initiator.

    Raises:
        TableError: a table is unreadable.
    """
    found = _parts(lake, wanted, days) if app is None else _with_app(lake, wanted, app, days)
    rows = pa.concat_tables([CONTACT.empty_table(), *(part.cast(CONTACT) for part in found)])
    sums = [("first", "min"), ("last", "max"), ("sessions", "sum"), ("date", "count_distinct")]
    found = rows.group_by(list(KEY)).aggregate(sums)
    found = found.rename_columns([*KEY, "first", "last", "sessions", "days_cnt"])
    return found.sort_by([("last", "descending"), *((name, "ascending") for name in KEY)])


def _parts(lake: Lake, wanted: Wanted, days: int) -> Iterator[pa.Table]:
    """The wanted contacts of each date, or of a few."""
    rolled, sliced = ({row["date"] for row in lake.partitions(name)} for name in ("pair_days", "delta_pair"))
    for day in (held := _last(rolled | sliced, days)):
        name, columns = DAYS if day in rolled and day != held[-1] else SLICES
        rows = lake.arrow(name, [*KEY, *columns], equal={"date": day}, coded=KEY[:3])
        yield wanted.among(rows).rename_columns([*KEY, *columns.values()])


def _with_app(lake: Lake, wanted: Wanted, app: str, days: int) -> Iterator[pa.Table]:
    """The wanted contacts of each date whose sessions are kept, with that application."""
    names = [*OF_SESSION, "end_ts", "repeat_count"]
    for day in _last({row["date"] for row in lake.partitions("sessions")}, days):
        rows = lake.arrow("sessions", names, equal={"date": day, "app": app})
        rows = rows.rename_columns([*OF_SESSION.values(), "first", "sessions"])
        rows = rows.append_column("last", rows["first"]).append_column("role", pa.repeat("outbound", len(rows)))
        yield wanted.among(rows.append_column("date", pa.repeat(day, len(rows))).select(CONTACT.names))


def _last(held: Collection[str], days: int) -> list[str]:
    """The dates among the last so many, up to the last one that is held."""
    if not held:
        return []
    since = f"{date.fromisoformat(max(held)) - (days - 1) * DAY:%Y-%m-%d}"
    return sorted(day for day in held if day >= since)


def _lies_in(addresses: pa.ChunkedArray, peer: str) -> pa.Array:
    """Whether each address is the peer, or lies in it if it is a network; on distinct texts."""
    coded = encoded(addresses)
    network = str(ipaddress.ip_network(peer, strict=False))
    return pa.array(are_internal(coded.dictionary, [network])).take(coded.indices)
