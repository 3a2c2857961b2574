"""Contacts of hosts over days: who met whom, on which service, when and how often."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.addresses import are_internal
from common.lake.lake import Lake
from common.lake.selection import Test

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

    def selection(self, host: str = "host_ip", peer: str = "peer_ip", port: str = "peer_port") -> dict[str, Any]:
        """The same as arguments of `LakeReader.arrow`, for a table with these columns."""
        tests: dict[str, Test] = {}
        if self.host is not None:
            tests[host] = partial(_is, self.host)
        if self.peer is not None:
            tests[peer] = partial(_lie_in, str(ipaddress.ip_network(self.peer, strict=False)))
        return {"tests": tests, "numbers": {} if self.port is None else {port: (self.port, self.port)}}


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
        rows = lake.arrow(name, [*KEY, *columns], equal={"date": day}, coded=KEY[:3], **wanted.selection())
        yield rows.rename_columns([*KEY, *columns.values()])


def _with_app(lake: Lake, wanted: Wanted, app: str, days: int) -> Iterator[pa.Table]:
    """The wanted contacts of each date whose sessions are kept, with that application."""
    names = [*OF_SESSION, "end_ts", "repeat_count"]
    for day in _last({row["date"] for row in lake.partitions("sessions")}, days):
        rows = lake.arrow("sessions", names, equal={"date": day, "app": app}, **wanted.selection(*OF_SESSION))
        rows = rows.rename_columns([*OF_SESSION.values(), "first", "sessions"])
        rows = rows.append_column("last", rows["first"]).append_column("role", pa.repeat("outbound", len(rows)))
        yield rows.append_column("date", pa.repeat(day, len(rows))).select(CONTACT.names)


def _last(held: Collection[str], days: int) -> list[str]:
    """The dates among the last so many, up to the last one that is held."""
    if not held:
        return []
    since = f"{date.fromisoformat(max(held)) - (days - 1) * DAY:%Y-%m-%d}"
    return sorted(day for day in held if day >= since)


def _is(text: str, texts: pa.Array) -> pa.Array:
    return pc.equal(texts, text)


def _lie_in(network: str, addresses: pa.Array) -> pa.Array:
    """Whether each address lies in the network; only those that begin like it are looked at."""
    like = pc.starts_with(addresses, _beginning(network))
    found = np.zeros(len(addresses), dtype=bool)
    found[np.asarray(like)] = are_internal(addresses.filter(like), [network])
    return pa.array(found)


def _beginning(network: str) -> str:
    """How the texts of all addresses of an IPv4 network begin: with its whole octets; of IPv6, in any way."""
    parsed = ipaddress.ip_network(network)
    whole = parsed.prefixlen // 8 if parsed.version == 4 else 0
    return ".".join(str(parsed.network_address).split(".")[:whole])
